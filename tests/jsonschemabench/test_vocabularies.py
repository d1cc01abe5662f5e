"""Vocabularies by name: what is said when one cannot be had. That they are exact: tests/masks/test_tokenizers.py."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

from jsonschemabench import vocabularies
from structgen.errors import InputError


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(InputError, match=r"unknown vocabulary 'gpt5'.*known are llama3, o200k, qwen, tekken"):
        vocabularies.load("gpt5")


@pytest.mark.parametrize("loader", [vocabularies.llama3, vocabularies.o200k, vocabularies.qwen, vocabularies.tekken])
def test_an_absent_package_is_named_with_the_way_to_get_it(loader: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vocabularies, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"the package \w+ is not installed \(at --vocab\)\. pip install "):
        loader()  # type: ignore[operator]


@pytest.mark.parametrize("loader", [vocabularies.smollm2, vocabularies.gemma])
def test_an_absent_model_names_its_folder(
    loader: object, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    empty = tmp_path_factory.mktemp("cache")
    monkeypatch.setattr("platformdirs.user_cache_path", lambda name: empty)
    with pytest.raises(InputError, match="is not in the cache") as caught:
        loader()  # type: ignore[operator]
    assert str(caught.value.where).startswith(str(empty))


@pytest.mark.skipif(find_spec("litellm") is None or find_spec("tiktoken") is None, reason="needs litellm and tiktoken")
def test_loading_leaves_the_environment_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    for before in (None, "elsewhere"):
        if before is None:
            monkeypatch.delenv("TIKTOKEN_CACHE_DIR", raising=False)
        else:
            monkeypatch.setenv("TIKTOKEN_CACHE_DIR", before)
        vocabularies.o200k()
        assert os.environ.get("TIKTOKEN_CACHE_DIR") == before
