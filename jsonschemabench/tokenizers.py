"""The vocabularies a run can be taken with, by name."""

from __future__ import annotations

from jsonschemabench.engines.base import BenchVocabulary


def load_vocabulary(name: str) -> BenchVocabulary:
    """``bytes`` (256 tokens and EOS, always there), or a real one from :mod:`jsonschemabench.vocabularies`."""
    if name == "bytes":
        tokens: list[bytes | None] = [bytes([i]) for i in range(256)]
        return BenchVocabulary("bytes", [*tokens, None], 256, lambda text: list(text.encode()))
    import tiktoken
    from tiktoken.load import load_tiktoken_bpe
    import importlib.util
    from pathlib import Path
    spec = importlib.util.find_spec("llama_models")
    path = Path(spec.origin).parent / "llama3" / "tokenizer.model"
    ranks = load_tiktoken_bpe(str(path))
    pat = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
    enc = tiktoken.Encoding("llama3", pat_str=pat, mergeable_ranks=ranks, special_tokens={"<|eot_id|>": 128009})
    toks = [None] * 128256
    for b, r in ranks.items():
        toks[r] = b
    return BenchVocabulary(name, toks, 128009, enc.encode_ordinary)
