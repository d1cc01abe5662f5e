"""The wheel holds what the editable install shows, and works from a folder of its own."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel built from a copy of the sources, so that nothing is left in the repository."""
    folder = tmp_path_factory.mktemp("wheel")
    tracked = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT, capture_output=True, check=False,
    )  # fmt: skip
    if tracked.returncode != 0:
        pytest.skip("not a git checkout")
    source = folder / "source"
    for name in filter(None, tracked.stdout.decode().split("\0")):
        if (ROOT / name).is_file():
            target = source / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes((ROOT / name).read_bytes())
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    run = subprocess.run(
        [*command, "--wheel-dir", str(folder), str(source)], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    (built,) = folder.glob("*.whl")
    return built


def test_the_wheel_holds_every_module_and_the_data(wheel: Path) -> None:
    held = set(zipfile.ZipFile(wheel).namelist())
    moved = {"kernels": "structgen/kernels", "grammars": "structgen/grammars", "schemas": "structgen/schemas"}
    wanted = {"structgen/py.typed", "jsonschemabench/data/handful.jsonl"}
    for folder in ("structgen", "kernels", "grammars", "schemas", "jsonschemabench"):
        for suffix in (".py", ".lark", ".json"):
            for path in (ROOT / folder).rglob(f"*{suffix}"):
                inside = path.relative_to(ROOT / folder).as_posix()
                wanted.add(f"{moved.get(folder, folder)}/{inside}")
    assert not wanted - held
    top = {name.split("/")[0] for name in held}
    assert {name for name in top if not name.endswith(".dist-info")} == {"structgen", "jsonschemabench"}


def test_the_wheel_works_where_it_is_installed(wheel: Path, tmp_path: Path) -> None:
    target = tmp_path / "site"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(target)
    code = (
        "import structgen, structgen.kernels, structgen.grammars, structgen.schemas, jsonschemabench.cases as c;"
        "print(structgen.__file__, structgen.kernels.__file__, structgen.Regex('a'), len(c.load_cases(None)))"
    )
    # -S and an explicit path: the editable install's finder must not answer first.
    site = Path(pytest.__file__).parents[1]
    run = subprocess.run(
        [sys.executable, "-S", "-c", f"import sys; sys.path[:0] = [{str(target)!r}, {str(site)!r}]; {code}"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    assert run.stdout.count(str(target)) == 2


def test_the_version_is_one() -> None:
    from importlib.metadata import version

    import structgen

    assert version("structgen") == structgen.__version__
