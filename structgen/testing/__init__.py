"""Stage 8: property-based tests of constraints, for users and for us.

``strategies`` draws texts, prefixes, mutants and token sequences from any constraint with hypothesis; ``laws`` are
checks that every compiled grammar must pass; ``coverage`` tells which rules, terminals and transitions of a Lark
grammar a corpus reaches.

    from hypothesis import given
    from structgen.testing import check_text, texts

    @given(texts(my_grammar))
    def test_my_parser_reads_it(text):
        my_parser(text)
"""

from structgen.testing.coverage import Coverage, cover
from structgen.testing.laws import check_budget, check_spellings, check_state, check_text, check_tokens
from structgen.testing.strategies import byte_vocabulary, mutants, prefixes, texts, token_sequences

__all__ = [
    "Coverage",
    "byte_vocabulary",
    "check_budget",
    "check_spellings",
    "check_state",
    "check_text",
    "check_tokens",
    "cover",
    "mutants",
    "prefixes",
    "texts",
    "token_sequences",
]
