"""The alignment study on a toy, its measures and its records."""

import json
import math

import numpy as np
import pytest

import structgen as sg
from structgen.errors import InputError
from structgen.sampling.problem import Problem
from structgen.studies import alignment, tasks
from structgen.studies.bank import Bank
from structgen.studies.measures import divergence, mean_log_p, merged
from structgen.studies.models import Toy
from structgen.studies.record import Record
from structgen.studies.results import curves, table, targets


def test_the_quick_study_runs_and_goes_on_where_it_was(tmp_path, capsys):
    path = tmp_path / "record.json"
    arguments = ["--quick", "--record", str(path), "--tasks", "arithmetic", "ticket"]
    assert alignment.main(arguments) == 0
    shown = capsys.readouterr().out
    record = json.loads(path.read_text())
    assert len(record["runs"]) == 2 * len(alignment.METHODS)
    found = curves(record["runs"])
    assert table(found) in shown
    for samplers in found.values():
        last = {name: points[-1] for name, points in samplers.items()}
        assert last["CARS"]["kl"] < last["Masked"]["kl"]
        assert all(points[0]["passes"] <= points[-1]["passes"] for points in samplers.values())
    pytest.importorskip("matplotlib")
    assert alignment.main([*arguments, "--plots", str(tmp_path)]) == 0
    assert "arithmetic/0" not in capsys.readouterr().out  # nothing is run again
    assert (tmp_path / "alignment.png").stat().st_size < 150_000
    with pytest.raises(InputError, match="other settings"):
        Record(path, {"model": "another"})


def test_divergence_is_from_what_the_samples_say():
    samples = sg.sampling.Samples(
        tokens=[[1], [2], [1], [3]], texts=[b"a", b"b", b"a", b"c"],
        log_weights=np.log([0.1, 0.2, 0.3, 0.0], where=[True] * 3 + [False], out=np.full(4, -np.inf)),
        log_probs=np.array([-1.0, -2.0, -1.0, np.nan]), log_z=0.0,
    )  # fmt: skip
    law = merged([samples], True)
    assert {tokens: share for tokens, (share, _, _) in law.items()} == pytest.approx({(1,): 2 / 3, (2,): 1 / 3})
    assert mean_log_p(law) == pytest.approx(-4 / 3)
    assert divergence(law) == pytest.approx(2 / 3 * (math.log(2 / 3) + 1) + 1 / 3 * (math.log(1 / 3) + 2))
    even = merged([samples, samples], False)
    assert {tokens: share for tokens, (share, _, _) in even.items()} == pytest.approx({(1,): 2 / 3, (2,): 1 / 3})
    assert merged([], False) == {}


def test_samples_of_the_target_have_no_divergence_from_it():
    """Exact samples of a small language: KL + log Z falls to 0."""
    task = tasks.load("ticket")
    asked = Toy().ask(task, task.questions[0])
    grammar = sg.compile(sg.Choice(["new", "low", "urgent"]), asked.vocab)
    bank = Bank(Problem(asked.model, grammar, asked.prompt, 8))
    drawn = sg.sampling.sample(bank, grammar, n=2000, sampler=sg.sampling.Exact(), max_tokens=8)
    assert 0.0 <= divergence(merged([drawn], False)) + drawn.log_z < 0.02
    direct = sg.sampling.sample(asked.model, grammar, n=50, sampler=sg.sampling.CARS(), max_tokens=8)
    again = sg.sampling.sample(bank, grammar, n=50, sampler=sg.sampling.CARS(), max_tokens=8)
    assert direct.tokens == again.tokens
    assert direct.log_z == pytest.approx(again.log_z)


def test_log_z_is_taken_from_what_estimates_it_without_bias():
    point = {"kl": 3.0, "passes": 5, "samples": 8, "alive": 7, "predicate": 0, "log_p": -4.0, "right": 0.5}
    runs = {
        "t/0/CARS/0": {"points": [point, point], "log_z": -1.0},
        "t/0/SMC/0": {"points": [point], "log_z": -2.0},
        "t/0/MCMC/0": {"points": [], "log_z": -50.0},
        "t/0/AWRS/0": {"points": [point, point | {"samples": 16, "passes": 9}], "log_z": None},
        "t/0/AWRS/1": {"points": [point | {"samples": 16, "passes": 11}], "log_z": None},  # nothing alive at first
        "t/0/ASAp/0": {"points": [point], "log_z": None},
    }
    z = (math.exp(-1) + math.exp(-2)) / 2
    assert targets(runs) == pytest.approx({"t/0": math.log(z)})
    found = curves(runs)
    assert found["t"]["CARS"][0]["kl"] == pytest.approx(3.0 + math.log(z))
    assert found["t"]["MCMC"] == []
    assert [(point["samples"], point["passes"]) for point in found["t"]["AWRS"]] == [(16, 10)]
    assert "| t | MCMC | none |" in table(found)


def test_a_record_is_only_read_as_what_it_is(tmp_path):
    path = tmp_path / "r.json"
    record = Record(path, {"n": 1})
    record.put("a", [1, 2])
    assert Record(path, {"n": 1}).runs == {"a": [1, 2]}
    with pytest.raises(InputError, match="other settings"):
        Record(path, {"n": 2})
    path.write_text("[]")
    with pytest.raises(InputError, match="no record"):
        Record(path, {"n": 1})
