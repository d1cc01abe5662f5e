"""The layers, as a rule: a module imports lower ranks only, whether at the top of a file or inside a function."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

RANKS = {
    "structgen.errors": 0,
    "structgen.bits": 0,
    "structgen.limits": 0,
    "structgen.source": 1,
    "structgen.kernels": 1,
    "structgen.grammars": 1,
    "structgen.schemas": 1,
    "structgen.automata": 2,
    "structgen.ir": 3,
    "structgen.frontends": 4,
    "structgen.masks": 5,
    "structgen.runtime": 6,
    "structgen.compile": 7,
    "structgen.sampling": 7,
    "structgen.infill": 7,
    "structgen.compiler": 8,
    "structgen.algebra": 9,
    "structgen.integrations": 9,
    "structgen.testing": 9,
    "structgen.cli": 10,
    "structgen.studies": 10,
    "structgen": 10,
}
# Top-level folders and the packages they are installed as.
FOLDERS = {
    "structgen": "structgen",
    "kernels": "structgen.kernels",
    "grammars": "structgen.grammars",
    "schemas": "structgen.schemas",
    "jsonschemabench": "jsonschemabench",
}
# What jsonschemabench may use of structgen: the names of the package itself.
PUBLIC = {"structgen"}
HEAVY = {"torch", "transformers", "triton", "tiktoken", "mistral_common", "sentencepiece"}
HEAVY_ALLOWED = ("structgen.integrations", "structgen.cli", "structgen.studies", "structgen.testing", "jsonschemabench")


def modules() -> Iterator[tuple[str, Path]]:
    """(dotted name as installed, file) of every module we ship."""
    for folder, package in FOLDERS.items():
        for path in sorted((ROOT / folder).rglob("*.py")):
            parts = list(path.relative_to(ROOT / folder).with_suffix("").parts)
            if parts[-1] == "__init__":
                parts.pop()
            yield ".".join([package, *parts]), path


def imports(name: str, path: Path, tree: ast.Module) -> Iterator[tuple[int, str]]:
    """(line, dotted name) of everything a module imports, wherever the statement stands."""
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*above, *([node.module] if node.module else [])])
            for alias in node.names:
                yield node.lineno, f"{base}.{alias.name}"


def unit(dotted: str) -> str | None:
    """The ranked package or module that a dotted name of ours belongs to."""
    parts = dotted.split(".")
    if parts[0] != "structgen":
        return None
    return next(name for n in (2, 1) if (name := ".".join(parts[:n])) in RANKS)


def is_module(dotted: str) -> bool:
    return dotted in NAMES


ALL = list(modules())
NAMES = {name for name, _ in ALL}
TREES = {name: ast.parse(path.read_text("utf-8"), str(path)) for name, path in ALL}


def edges() -> Iterator[tuple[str, str, str]]:
    """(place, importing module, imported name)."""
    for name, path in ALL:
        for line, target in imports(name, path, TREES[name]):
            yield f"{path.relative_to(ROOT)}:{line}", name, target


def frontend(dotted: str) -> str | None:
    """The folder in frontends/ that a name belongs to."""
    parts = dotted.split(".")
    if parts[:2] != ["structgen", "frontends"] or len(parts) < 3:
        return None
    return parts[2] if (ROOT / "structgen" / "frontends" / parts[2]).is_dir() else None


def test_every_part_has_a_rank() -> None:
    """A new top-level module or package of structgen must be given a rank here."""
    unranked = {name for name in NAMES if name.count(".") == 1 and name.startswith("structgen.")} - RANKS.keys()
    assert not unranked


def test_imports_go_to_lower_ranks() -> None:
    wrong = []
    for place, name, target in edges():
        ours, theirs = unit(name), unit(target)
        if ours is None or theirs is None or ours == theirs:
            continue
        if ours == "structgen":  # the package's own lazy names
            continue
        if theirs == "structgen" and ours in ("structgen.cli", "structgen.studies"):  # they use the public names
            continue
        if RANKS[theirs] >= RANKS[ours]:
            wrong.append(f"{place}: {ours} (rank {RANKS[ours]}) imports {theirs} (rank {RANKS[theirs]})")
    assert not wrong, "\n".join(wrong)


def test_front_ends_know_only_the_regex_one() -> None:
    wrong = []
    for place, name, target in edges():
        ours, theirs = frontend(name), frontend(target)
        if ours and theirs and ours != theirs and not (ours in ("json_schema", "lark") and theirs == "regex"):
            wrong.append(f"{place}: {ours} imports {theirs}")
    assert not wrong, "\n".join(wrong)


def test_moved_folders_are_imported_by_their_installed_name() -> None:
    """``import kernels`` would work from the repository's root, and make a second copy of every module."""
    moved = {"kernels", "grammars", "schemas"}
    wrong = [place for place, _, target in edges() if target.split(".")[0] in moved]
    for path in sorted((ROOT / "tests").rglob("*.py")):
        tree = ast.parse(path.read_text("utf-8"), str(path))
        wrong += [
            f"{path.relative_to(ROOT)}:{line}"
            for line, target in imports("tests.x", path, tree)
            if target.split(".")[0] in moved
        ]
    assert not wrong, "\n".join(wrong)


def test_heavy_libraries_stay_at_the_edge() -> None:
    """torch, transformers, triton and tokenizer libraries: in integrations, the command line, GPU kernels and what
    judges these."""
    wrong = []
    for place, name, target in edges():
        if target.split(".")[0] not in HEAVY or name.startswith(HEAVY_ALLOWED):
            continue
        parts = name.split(".")
        if parts[:2] == ["structgen", "kernels"] and ("check" in parts or parts[-1].startswith(("gpu", "naive"))):
            continue
        wrong.append(f"{place}: imports {target}")
    assert not wrong, "\n".join(wrong)


def test_naive_kernels_import_nothing_they_judge() -> None:
    wrong = []
    for place, name, target in edges():
        if name.startswith("structgen.kernels.") and name.endswith(".naive"):
            if target.split(".")[0] == "numba":
                wrong.append(f"{place}: imports numba")
            if target.startswith("structgen.kernels") and not target.rpartition(".")[0].endswith(".naive"):
                wrong.append(f"{place}: imports {target}")
    assert not wrong, "\n".join(wrong)


def test_compiled_kernels_are_cached_and_release_the_gil() -> None:
    """Every njit in kernels/ says cache=True and nogil=True, or inline="always": it is a part of its callers then."""
    wrong = []
    for name, path in ALL:
        if not name.startswith("structgen.kernels"):
            continue
        for node in ast.walk(TREES[name]):
            if not isinstance(node, ast.FunctionDef):
                continue
            for decorator in node.decorator_list:
                call = decorator.func if isinstance(decorator, ast.Call) else decorator
                if ast.unparse(call).rpartition(".")[2] not in ("njit", "jit") or "triton" in ast.unparse(call):
                    continue
                keywords = decorator.keywords if isinstance(decorator, ast.Call) else []
                given = {k.arg: getattr(k.value, "value", None) for k in keywords}
                if given.get("inline") != "always" and not (given.get("cache") and given.get("nogil")):
                    wrong.append(f"{path.relative_to(ROOT)}:{node.lineno}: {node.name}")
    assert not wrong, "\n".join(wrong)


def test_jsonschemabench_uses_public_names() -> None:
    wrong = [
        f"{place}: imports {target}"
        for place, name, target in edges()
        if name.startswith("jsonschemabench") and unit(target) and target not in PUBLIC | {"structgen.errors"}
    ]
    assert not wrong, "\n".join(wrong)


IMPORT = """
import sys, time
begin = time.perf_counter()
import structgen
print(f"{time.perf_counter() - begin:.3f} s")
print(*sorted({name.split(".")[0] for name in sys.modules}))
"""


def test_import_is_light() -> None:
    """``import structgen`` loads no model library; the time is printed, not judged."""
    run = subprocess.run([sys.executable, "-c", IMPORT], capture_output=True, text=True, check=True)
    seconds, loaded = run.stdout.splitlines()
    print(f"import structgen: {seconds}")
    assert not HEAVY & set(loaded.split())


@pytest.mark.parametrize("first", ["import structgen.compile", "import structgen.compile as module", "pass"])
def test_compile_is_the_function_whatever_was_imported_first(first: str) -> None:
    code = f"{first}\nimport structgen as sg, types; assert isinstance(sg.compile, types.FunctionType), sg.compile"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr


def test_every_public_name_is_there() -> None:
    import structgen

    for name in structgen.__all__:
        assert getattr(structgen, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        structgen.nonsense  # noqa: B018
