"""Molecules from their names, as SMILES: RDKit says which texts are molecules, and whether two are the same."""

from __future__ import annotations

import re
from typing import Any

from structgen.errors import InputError
from structgen.sampling import Predicate
from structgen.studies.tasks import Question, Task, grammar


def task() -> Task:
    """The task. Raises InputError where RDKit is missing."""
    chemistry = _rdkit()

    def canonical(text: str) -> str:
        found: str = chemistry.MolToSmiles(chemistry.MolFromSmiles(text))
        return found

    return Task(
        name="molecule",
        constraint=grammar("molecule"),
        instruction="Write the molecule as SMILES.",
        examples=(
            ("methanol", "CO"),
            ("propane", "CCC"),
            ("cyclohexane", "C1CCCCC1"),
            ("acetone", "CC(=O)C"),
        ),
        questions=(
            Question("ethanol", "CCO"),
            Question("cyclopentane", "C1CCCC1"),
            Question("acetic acid", "CC(=O)O"),
        ),
        max_tokens=12,
        correct=lambda text, reference: canonical(text) == canonical(reference),
        predicate=lambda: Predicate(
            lambda text: valences_fit(chemistry, text), lambda text: chemistry.MolFromSmiles(text) is not None
        ),
    )


def valences_fit(chemistry: Any, text: str) -> bool:
    """May a beginning of a SMILES text still become a molecule? False is certain, True is not.

    Bonds only ever grow in number: open branches and rings are closed by leaving them out, which gives every atom the
    bonds it has already, and an atom with too many will not lose them.
    """
    text = text.rstrip("=#")
    depth = 0
    for i in range(len(text) - 1, -1, -1):  # a "(" whose ")" is missing
        depth += {"(": -1, ")": 1}.get(text[i], 0)
        if depth < 0:
            text, depth = text[:i] + text[i + 1 :], 0
    for ring in "12":
        if text.count(ring) % 2:
            at = text.rindex(ring)
            text = text[:at] + text[at + 1 :]
    if not text:
        return True
    molecule = chemistry.MolFromSmiles(re.sub(r"\(\)", "", text), sanitize=False)
    if molecule is None:
        return False
    try:
        molecule.UpdatePropertyCache(strict=True)
    except ValueError:  # more bonds than an atom can have
        return False
    return True


def _rdkit() -> Any:
    try:
        from rdkit import Chem, rdBase
    except ImportError:
        raise InputError("the task on molecules needs RDKit", hint="pip install rdkit") from None
    rdBase.DisableLog("rdApp.*")
    return Chem
