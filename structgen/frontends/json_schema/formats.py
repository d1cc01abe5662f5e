"""Formats."""
from structgen.automata import Dfa
KNOWN: dict[str, object] = {}
def language(name: str) -> Dfa:
    raise KeyError(name)
