"""Prompts as token ids. Receives a text, chat messages or ids; returns ids the model can take."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from structgen.errors import InputError, ModelError

#: A text, a list of chat messages, or token ids.
Prompt = str | Sequence[Mapping[str, Any]] | Sequence[int]


def prompt_ids(prompt: Prompt, tokenizer: Any, width: int, chat: bool | None) -> list[int]:
    """The ids of a prompt.

    Args:
        prompt: a text, a list of chat messages, or ids.
        tokenizer: a transformers tokenizer.
        width: ids from here on are not the model's.
        chat: put a text into the chat template as the user's message; None: where the tokenizer has a template.

    Raises:
        InputError: the prompt is none of these, is empty, or does not fit the template.
        ModelError: an id is not the model's.
    """
    has_template = getattr(tokenizer, "chat_template", None) is not None
    if chat and not has_template:
        raise InputError("chat=True, but the tokenizer has no chat template")
    if isinstance(prompt, str):
        if chat is False or not has_template:
            return _checked(_plain(prompt, tokenizer), width)
        return _checked(_templated([{"role": "user", "content": prompt}], tokenizer), width)
    if isinstance(prompt, (bytes, bytearray)) or not isinstance(prompt, Iterable):
        raise InputError(
            f"a prompt is a text, a list of chat messages, or a list of token ids, not {type(prompt).__name__}"
        )
    parts = list(prompt)
    if parts and all(isinstance(part, int) for part in parts):
        return _checked(parts, width)
    if not parts or not all(isinstance(part, Mapping) for part in parts):
        raise InputError("a prompt is a text, a list of chat messages, or a list of token ids")
    for i, message in enumerate(parts):
        if isinstance(message, Mapping) and ("role" not in message or len(message) < 2):
            raise InputError(
                "a chat message has a role and content", where=f"message {i}", hint='{"role": "user", "content": ...}'
            )
    if not has_template:
        raise InputError("chat messages need a chat template", hint="Give the prompt as one text")
    if chat is False:
        raise InputError("chat messages with chat=False", hint="Give the prompt as one text, or leave chat out")
    return _checked(_templated(parts, tokenizer), width)


def _plain(text: str, tokenizer: Any) -> list[int]:
    ids = list(tokenizer(text)["input_ids"])
    start = getattr(tokenizer, "bos_token_id", None)
    return ids if ids or start is None else [start]


def _templated(messages: list[Any], tokenizer: Any) -> list[int]:
    try:
        return list(
            tokenizer.apply_chat_template(messages, add_generation_prompt=True, tokenize=True, return_dict=False)
        )
    except Exception as error:  # templates are programs and raise what they like
        raise InputError(f"the chat template refuses the messages: {error}") from error


def _checked(ids: Sequence[Any], width: int) -> list[int]:
    if not ids:
        raise InputError("the prompt has no tokens", hint="Give at least one character")
    wrong = [token for token in ids if not 0 <= token < width]
    if wrong:
        raise ModelError(
            f"the prompt has token {wrong[0]}, but the model's ids go from 0 to {width - 1}",
            hint="Use this model's own tokenizer",
        )
    return [int(token) for token in ids]
