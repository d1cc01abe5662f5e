"""The comparison with genlm-control: our side of it, and what is said without the other."""

import importlib.util

import pytest

import structgen as sg
from structgen.errors import InputError
from structgen.studies import genlm, tasks
from structgen.studies.models import Toy


def test_a_missing_peer_is_named(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "genlm", None)
    with pytest.raises(InputError, match="genlm-control is not installed"):
        genlm.main(["--quick"])


def test_both_ways_of_ours_aim_at_the_same():
    task = tasks.load("ticket")
    rows = genlm.Rows(Toy().ask(task, task.questions[0]))
    grammar = sg.compile(task.constraint, rows.asked.vocab)
    anything = sg.compile(sg.Regex("(?s:.*)"), rows.asked.vocab)
    asked = genlm._ours(rows, task, grammar, anything, 0, remember=False)
    masked = genlm._masked(rows, task, grammar, 0)
    assert asked.calls > asked.tokens  # every candidate is tested
    assert masked.calls == 0  # the mask is the whole condition
    assert asked.log_z == pytest.approx(masked.log_z, abs=4.0)
    assert genlm._ours(rows, task, grammar, anything, 0, remember=False)[:3] == asked[:3]


def test_a_condition_is_the_grammar_and_the_predicate():
    task = tasks.load("query")
    grammar = sg.compile(task.constraint, sg.testing.byte_vocabulary())
    condition = genlm.Condition(task, grammar)
    assert condition(b"SELECT na", False)
    assert not condition(b"SELECT na", True)
    assert not condition(b"SELECT wage F", False)
    assert condition(b"SELECT name FROM customers", True)
    assert condition.calls == 4


@pytest.mark.skipif(importlib.util.find_spec("genlm") is None, reason="genlm-control is not installed")
def test_the_quick_comparison_runs(capsys):
    assert genlm.main(["--quick", "--tasks", "ticket"]) == 0
    assert "| toy/ticket | genlm-control |" in capsys.readouterr().out


def test_the_table_has_a_row_for_each_way():
    run = {"z": 0.5, "error": 0.01, "calls": 2.0, "calls_error": 0.2, "ms": 0.1}
    assert genlm.table({"toy/a": {"x": run, "y": run}}).count("\n| toy/a |") == 2
