"""Stage 5: what a model can say (Vocabulary, Trie) and, with the terminals, which tokens may follow."""

from .trie import Trie
from .vocabulary import Vocabulary

__all__ = ["Trie", "Vocabulary"]
