"""The command that finds studies by name."""

from importlib import import_module

import pytest

from structgen.errors import InputError
from structgen.studies import STUDIES
from structgen.studies.__main__ import main


def test_studies_are_listed(capsys):
    assert main([]) == 0
    assert main(["--help"]) == 0
    assert main(["nonsense"]) == 2
    shown = capsys.readouterr().err
    assert all(name in shown for name in STUDIES)


def test_every_study_has_a_command():
    for module, _ in STUDIES.values():
        assert callable(import_module(f"structgen.studies.{module}").main)


@pytest.mark.parametrize(("raised", "status"), [(None, 7), (InputError("no model", hint="Get one"), 1)])
def test_a_study_gets_its_arguments(monkeypatch, capsys, raised, status):
    given = []

    def study(arguments):
        given.extend(arguments)
        if raised:
            raise raised
        return 7

    monkeypatch.setitem(STUDIES, "one", ("__main__", "a study"))
    monkeypatch.setattr("structgen.studies.__main__.import_module", lambda name: type("M", (), {"main": study}))
    assert main(["one", "--size", "3"]) == status
    assert given == ["--size", "3"]
    assert ("no model" in capsys.readouterr().err) == bool(raised)
