"""The vocabulary of a run, in the form that every engine takes."""

from __future__ import annotations

from jsonschemabench.engines.base import BenchVocabulary


def load_vocabulary(name: str) -> BenchVocabulary:
    """``bytes`` (256 tokens and EOS, always there), or a real one by its name in :mod:`jsonschemabench.vocabularies`.

    Raises structgen.errors.InputError for an unknown name, or where the package that carries it is missing.
    """
    if name == "bytes":
        tokens: list[bytes | None] = [bytes([i]) for i in range(256)]
        return BenchVocabulary("bytes", [*tokens, None], 256, lambda text: list(text.encode()))
    from jsonschemabench import vocabularies

    vocabulary, encode = vocabularies.load(name)
    padding = [None] * (vocabulary.size - len(vocabulary.tokens))
    return BenchVocabulary(name, [*vocabulary.tokens, *padding], vocabulary.eos_token_ids[0], encode)
