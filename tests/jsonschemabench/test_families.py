"""Families of schemas: the texts that come with them are judged by jsonschema; the command prints a table."""

from __future__ import annotations

import pytest

from jsonschemabench.__main__ import main
from jsonschemabench.families import FAMILIES, Family
from tests.json_strategies import is_valid


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_texts(family: Family) -> None:
    """The valid value is valid, the invalid one is not."""
    for n in family.sizes[:2]:
        schema = family.schema(n)
        assert is_valid(schema, family.valid(n))
        assert not is_valid(schema, family.invalid(n))


def test_table(capsys: pytest.CaptureFixture[str]) -> None:
    """A line for each size, with a verdict."""
    assert main(["families", "--vocab", "bytes", "--only", "oneOf of nested bounds"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 6
    assert lines[2].startswith("| oneOf of nested bounds | 2 |")
    assert all(line.endswith("| right |") for line in lines[2:])
