"""Checks first, then figures, then a record of both."""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import time
import traceback
from datetime import datetime, timezone
from importlib import metadata
from pathlib import Path
from typing import Any

RECORDS = Path(__file__).resolve().parents[1] / "records"
#: Which checks stand behind a bench; by default those of its own name.
BEHIND = {"decoding": ("automaton", "sample")}


def main(arguments: list[str] | None = None) -> int:
    """Run the command. Returns 0 if all kernels agree with their references, else 1."""
    parser = argparse.ArgumentParser(prog="python -m structgen.kernels.check", description=__doc__)
    parser.add_argument("--only", action="append", metavar="NAME", help="these operations only (may be repeated)")
    parser.add_argument("--seconds", type=float, default=420.0, help="begin no bench after so long (default 420)")
    parser.add_argument("--no-bench", action="store_true", help="check, and measure nothing")
    parser.add_argument("--dry-run", action="store_true", help="on a CPU: run every bench once, on tiny sizes")
    parser.add_argument("--out", type=Path, help="file for the record (default: in kernels/records/, on a GPU only)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--items", nargs="*", type=int, metavar="N",
        help="sets of N items (default 100000 1000000 10000000) on the CPU, beside tries on the host, and nothing else",
    )  # fmt: skip
    options = parser.parse_args(arguments)
    begin = time.perf_counter()
    try:
        import torch
    except ImportError:
        print("torch is not installed", file=sys.stderr)
        return 2
    gpu = torch.cuda.is_available() and options.items is None
    if not gpu:
        os.environ["TRITON_INTERPRET"] = "1"  # before triton is imported
    try:
        import triton  # noqa: F401
    except ImportError:
        print("triton is not installed", file=sys.stderr)
        return 2
    about = _about(gpu)
    print(f"{about['device']}; " + ", ".join(f"{name} {version}" for name, version in about["versions"].items()))
    if options.items is not None:
        return _measure_items(about, tuple(options.items) or (10**5, 10**6, 10**7), options.seed, options.out)
    checks = _run_checks(gpu, options.only, options.seed)
    record: dict[str, Any] = {**about, "checks": checks, "bandwidth": None, "rows": [], "left_out": {}}
    if gpu and not options.no_bench:
        _run_benches(record, options.only, options.seed, begin + options.seconds)
        _print_table(record)
        _print_targets(record)
    elif options.dry_run:
        _run_benches(record, options.only, options.seed, begin + options.seconds)
        _print_table(record)
    if not gpu:
        print("no GPU: the kernels were interpreted on the CPU, and nothing was timed")
    record["seconds"] = round(time.perf_counter() - begin, 1)
    out = options.out or (RECORDS / _file_name(about) if gpu and not options.only else None)
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
        print(f"record: {out}")
    return 0 if all(result == "agrees" for result in checks.values()) else 1


def _measure_items(about: dict[str, Any], sizes: tuple[int, ...], seed: int, out: Path | None) -> int:
    """Sets of items on the CPU; writes a record."""
    import torch

    from structgen.kernels.check import items

    torch.set_num_threads(1)
    rows = []
    for row in items.measure(sizes, seed):
        rows.append(row)
        print(items.table([row]).splitlines()[-1], flush=True)
    about = {**about, "device": f"items on {platform.machine()}, {os.cpu_count()} cores, one thread"}
    out = out or RECORDS / _file_name(about)
    out.write_text(json.dumps({**about, "rows": rows}, indent=1) + "\n", encoding="utf-8")
    print(f"record: {out}")
    return 0


def _run_checks(gpu: bool, only: list[str] | None, seed: int) -> dict[str, str]:
    """"agrees", or what is wrong, for each operation."""
    import numpy as np

    from structgen.kernels.check.correct import CHECKS

    results = {}
    for name, check in CHECKS.items():
        if only and name not in only and not any(name in BEHIND.get(wanted, ()) for wanted in only):
            continue
        started = time.perf_counter()
        try:
            for vocab in (1, 97, 4096, 32_000, 128_256) if gpu else (1, 97, 300):
                with np.errstate(all="ignore"):
                    check(np.random.default_rng(seed), vocab, "cuda" if gpu else "cpu")
            results[name] = "agrees"
        except Exception as error:  # whatever it is, it is this kernel's failure, and is reported as such
            results[name] = f"{type(error).__name__}: {error}"[:2000]
            traceback.print_exc()
        print(f"  {name}: {results[name].splitlines()[0]} ({time.perf_counter() - started:.1f} s)", flush=True)
    return results


def _run_benches(record: dict[str, Any], only: list[str] | None, seed: int, deadline: float) -> None:
    """Figures of the operations whose checks agree, as far as the time goes."""
    import numpy as np
    import torch

    from structgen.kernels.check.benches import BENCHES, measured, tried
    from structgen.kernels.check.timing import copy_bandwidth

    gpu = torch.cuda.is_available()
    setting = measured() if gpu else tried()
    if gpu:
        record["bandwidth"] = copy_bandwidth()
        print(f"copy bandwidth: {record['bandwidth'] / 1e9:.0f} GB/s", flush=True)
    for name, bench in BENCHES.items():
        behind = BEHIND.get(name, (name,))
        if only and name not in only:
            continue
        if any(record["checks"].get(check) != "agrees" for check in behind):
            record["left_out"][name] = "its kernels do not agree with their references"
            continue
        started = time.perf_counter()
        try:
            for row in bench(setting, np.random.default_rng(seed)):
                record["rows"].append(row._asdict())
                if time.perf_counter() > deadline:
                    record["left_out"][name] = "the time was over"
                    break
        except Exception as error:  # the other benches go on
            record["left_out"][name] = f"{type(error).__name__}: {error}"[:2000]
            traceback.print_exc()
        if gpu:
            torch.cuda.empty_cache()
        print(f"  {name}: {time.perf_counter() - started:.1f} s", flush=True)


def _print_table(record: dict[str, Any]) -> None:
    print(f"\n{'operation':44} {'size':44} {'us':>10} {'MB':>8} {'of copy':>8}")
    for row in record["rows"]:
        moved = f"{row['bytes'] / 1e6:8.1f}" if row["bytes"] else " " * 8
        share = f"{_share(record, row):8.0%}" if row["bytes"] and record["bandwidth"] else ""
        print(f"{row['name']:44} {row['size']:44} {row['seconds'] * 1e6:10.1f} {moved} {share}")
    for name, why in record["left_out"].items():
        print(f"left out of {name}: {why.splitlines()[0]}")


def _share(record: dict[str, Any], row: dict[str, Any]) -> float:
    """The share of the copy bandwidth at which the bytes that must move are moved."""
    return float(row["bytes"] / row["seconds"] / record["bandwidth"])


def _print_targets(record: dict[str, Any]) -> None:
    """What the project has set itself, on an H200."""
    found: dict[tuple[str, str], dict[str, Any]] = {(row["name"], row["size"]): row for row in record["rows"]}

    def say(what: str, value: object, good: bool, shown: str) -> None:
        print(f"  {'not measured' if value is None else 'reached' if good else 'MISSED':12} {what}: {shown}")

    print("\ntargets")
    size = "B=256 V=128256"
    ours = found.get(("apply_mask", f"{size} few"))
    share = _share(record, ours) if ours else None
    say("apply_mask at 90% of the copy bandwidth", share, (share or 0) >= 0.9, f"{share or 0:.0%}")
    theirs = "apply_mask, xgrammar"
    other = [row for (name, at), row in found.items() if name.startswith(theirs) and at == f"{size} few"]
    ratio = min(row["seconds"] for row in other) / ours["seconds"] if other and ours else None
    say("apply_mask not slower than xgrammar's", ratio, (ratio or 0) >= 1.0, f"{ratio or 0:.2f} times as fast")
    row = found.get(("sample", size))
    share = _share(record, row) if row else None
    say("sample at 80% of the copy bandwidth", share, (share or 0) >= 0.8, f"{share or 0:.0%}")
    row = found.get(("automaton step, mixed states", size))
    say("automaton step under 10 us", row and row["seconds"], bool(row and row["seconds"] < 1e-5), _us(row))
    row = found.get(("decoding step, one CUDA graph", size))
    say("no host synchronisation in a step: it is captured", row and 1.0, row is not None, _us(row))
    row = found.get(("build_rows", "states=1000 V=128000"))
    say("build_rows under 5 ms", row and row["seconds"], bool(row and row["seconds"] < 5e-3), _us(row))


def _us(row: dict[str, Any] | None) -> str:
    return f"{row['seconds'] * 1e6:.1f} us" if row else ""


def _about(gpu: bool) -> dict[str, Any]:
    import torch

    versions = {"python": platform.python_version()}
    for name in ("torch", "triton", "numpy", "xgrammar", "llguidance"):
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    device = "CPU, interpreted"
    if gpu:
        properties = torch.cuda.get_device_properties(0)
        capability = f"{properties.major}.{properties.minor}"
        device = f"{properties.name}, compute capability {capability}, CUDA {torch.version.cuda}"
    return {
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "device": device,
        "versions": versions,
        "commit": _commit(),
    }


def _commit() -> str:
    """The commit of the source, with "+changes" where files differ from it; STRUCTGEN_COMMIT where there is no git."""
    def git(*arguments: str) -> str:
        run = subprocess.run(["git", *arguments], cwd=RECORDS.parent, capture_output=True, text=True, check=True)
        return run.stdout.strip()

    try:
        commit, changed = git("rev-parse", "--short=12", "HEAD"), git("status", "--porcelain", "-uno")
    except (OSError, subprocess.CalledProcessError):
        return os.environ.get("STRUCTGEN_COMMIT", "unknown")
    return f"{commit}{'+changes' if changed else ''}"


def _file_name(about: dict[str, Any]) -> str:
    device = about["device"].split(",")[0].lower().replace(" ", "-")
    return f"{about['date'][:10]}-{device}-{about['commit'][:12]}.json"
