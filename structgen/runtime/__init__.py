"""Stage 6: states, masks and cursors."""

from structgen.runtime.compiled import CompiledGrammar
from structgen.runtime.matcher import Matcher

__all__ = ["CompiledGrammar", "Matcher"]
