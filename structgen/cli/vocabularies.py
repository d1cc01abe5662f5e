"""``--vocab``: which tokens a question is about. Most need none: 256 single bytes say the same of any text."""

from __future__ import annotations

import importlib
from pathlib import Path

import structgen as sg
from structgen.errors import InputError


def vocabulary(name: str) -> sg.Vocabulary:
    """``bytes``; a name that the benchmark knows (llama3, smollm2, ...); or a folder with a transformers tokenizer.

    Raises InputError for an unknown name, and where the package or file that carries it is missing.
    """
    if name == "bytes":
        return byte_vocabulary()
    path = Path(name)
    if path.is_dir():
        return _from_folder(path)
    known = importlib.import_module("jsonschemabench.vocabularies")
    if name not in known.NAMES:
        names = ", ".join(["bytes", *known.NAMES])
        raise InputError(f"no vocabulary called {name}", where="--vocab", hint=f"Known: {names}; or give a folder")
    loaded: sg.Vocabulary = known.load(name)[0]
    return loaded


def byte_vocabulary() -> sg.Vocabulary:
    """Every byte a token, and an EOS token after them."""
    return sg.Vocabulary([*(bytes([i]) for i in range(256)), None], eos_token_ids=[256])


def _from_folder(path: Path) -> sg.Vocabulary:
    try:
        import transformers
    except ImportError as error:
        raise InputError(
            "reading a tokenizer needs transformers", where="--vocab", hint='pip install "structgen[hf]"'
        ) from error
    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(path, local_files_only=True)
    except (OSError, ValueError) as error:
        raise InputError(f"not a tokenizer: {str(error).splitlines()[0]}", where=str(path)) from error
    return sg.Vocabulary.from_tokenizer(tokenizer)
