"""The diffusion study, its trained denoiser and its measures."""

import hashlib
import json
import math
from importlib.resources import files
from random import Random

import numpy as np
import pytest

from structgen.errors import ModelError
from structgen.infill.protocol import MASK
from structgen.integrations.diffusion import MaskedDiffusion
from structgen.studies.diffusion import denoiser, results, study, texts, tokens, train
from structgen.studies.diffusion.likelihood import log_likelihood

torch = pytest.importorskip("torch")


def test_the_weights_are_small_and_those_that_the_code_names():
    data = files("structgen.studies.diffusion").joinpath("data/denoiser.safetensors").read_bytes()
    assert len(data) < 10_000_000
    assert hashlib.sha256(data).hexdigest() == denoiser.DIGEST
    assert 1_000_000 <= sum(w.numel() for w in denoiser.load().parameters()) <= 5_000_000


def test_other_weights_are_refused(monkeypatch):
    monkeypatch.setattr(denoiser, "DIGEST", "0" * 64)
    with pytest.raises(ModelError, match="not those that belong"):
        denoiser.load()


def test_the_denoiser_fills_in_what_is_missing():
    """Of new texts with a fifth of the canvas masked it says most tokens right, and never a tag or the mask.

    It cannot say all: nothing determines most digits and names.
    """
    random, right, asked = Random(99), 0, 0
    for kind in texts.KINDS:
        ids = tokens.encode(texts.draw(kind, random, 0.3))
        row = np.array([*ids, *[tokens.EOS] * (-len(ids) % 32)], dtype=np.int32)
        masked = np.random.default_rng(len(ids)).random(len(row)) < 0.2
        found = denoiser.denoiser(kind).logits(np.where(masked, MASK, row).astype(np.int32))
        assert np.isneginf(found[:, tokens.MASK]).all()
        assert np.isneginf(found[:, tokens.tag("point")]).all()
        right += int((found.argmax(axis=1) == row)[masked].sum())
        asked += int(masked.sum())
    assert right / asked > 0.5, (right, asked)


def test_likelihood_of_laws_without_context_is_exact():
    uniform = MaskedDiffusion(lambda ids: torch.zeros(*ids.shape, 8), 7)
    assert log_likelihood(uniform, [3, 2, 0, 5], 16) == pytest.approx(16 * math.log(1 / 8), rel=1e-5)


def test_what_stands_behind_the_end_does_not_count():
    model = denoiser.denoiser("point")
    ids = tokens.encode('{"x": 1.5, "y": 2.5}')
    padded = [*ids, tokens.EOS, *tokens.encode("zzz")]
    assert log_likelihood(model, padded, 32) == log_likelihood(model, ids, 32)
    assert log_likelihood(model, ids, 32) > log_likelihood(model, ids[::-1], 32) + 10


def test_training_lowers_the_loss(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(train, "BATCH_TOKENS", 128)
    path = tmp_path / "some"
    arguments = ["--out", str(path), "--texts", "30", "--steps", "2", "--pieces", "20"]
    try:
        assert train.main(arguments) == 0
    finally:
        tokens.use(())
    assert "SHA-256" in capsys.readouterr().out
    assert (path / "denoiser.safetensors").exists()
    assert len(json.loads((path / "tokens.json").read_text())) == 20
    assert len(tokens.merges()) > 400  # what is stored is used again
    data = train.canvases([("point", texts.draw("point", Random(i), 0.5)) for i in range(32)], 0)
    untaught = train.train(data, 0, 1.0, 1e-3, 0, path / "a.safetensors")
    taught = train.train(data, 15, 1.0, 3e-3, 0, path / "a.safetensors")
    torch.manual_seed(0)
    rows = next(iter(data.values()))
    with torch.no_grad():
        assert train.masked_loss(taught, rows) < 0.9 * train.masked_loss(untaught, rows)


def test_the_quick_study_runs_and_goes_on_where_it_was(tmp_path, capsys):
    path = tmp_path / "record.json"
    arguments = ["--quick", "--record", str(path)]
    assert study.main(arguments) == 0
    shown = capsys.readouterr().out
    runs = json.loads(path.read_text())["runs"]
    assert len(runs) == 4 * len(study.METHODS)
    assert results.report(runs) in shown
    assert results.report(runs).count("| method |") == 2
    for key, run in runs.items():
        assert results.valid(run) or not key.split("/")[2].startswith("structgen")
        assert run["passes"] > 0
    pytest.importorskip("matplotlib")
    assert study.main([*arguments, "--plots", str(tmp_path), "--replay", str(tmp_path / "replay.html")]) == 0
    assert (tmp_path / "diffusion.png").stat().st_size < 150_000
    assert "const data" in (tmp_path / "replay.html").read_text("utf-8")


def test_tables_count_what_fits_only():
    run = {
        "text": "", "in language": True, "fits": True, "dead": False, "log likelihood": -1.0, "passes": 4,
        "refused": 2, "model s": 0.1, "constraint s": 0.01,
    }  # fmt: skip
    runs = {
        "point/32/a/random": run,
        "point/64/a/random": {**run, "fits": False, "log likelihood": None, "dead": True},
    }
    shown = results.tables(runs)
    assert "| a | random | 2 | 50% | 100% | 1 | -1.000 | 4.0 | 2.0 | 2.50 | 10.0% |" in shown
    assert "| a | 100% | 0% |" in shown
