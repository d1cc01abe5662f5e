"""The reference: a trie of nested dicts, numbered by a preorder walk. Plain Python lists."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def build(
    tokens: Sequence[bytes], ids: Sequence[int]
) -> tuple[list[int], list[int], list[int], list[int], list[int], list[int]]:
    """Same arguments and same order of results as :func:`structgen.kernels.trie.build`, as lists."""
    root: dict[str, Any] = {"ids": [], "children": {}}
    for text, token in zip(tokens, ids, strict=True):
        node = root
        for value in text:
            node = node["children"].setdefault(value, {"ids": [], "children": {}})
        node["ids"].append(token)

    byte: list[int] = []
    end: list[int] = []
    depth: list[int] = []
    token_first: list[int] = []
    token_ids: list[int] = []
    root_child = [-1] * 256

    def walk(node: dict[str, Any], value: int, level: int) -> int:
        here = len(byte)
        byte.append(value)
        end.append(-1)
        depth.append(level)
        token_first.append(len(token_ids))
        token_ids.extend(node["ids"])
        for next_value in sorted(node["children"]):
            walk(node["children"][next_value], next_value, level + 1)
        end[here] = len(byte)
        return here

    for value in sorted(root["children"]):
        root_child[value] = walk(root["children"][value], value, 1)
    token_first.append(len(token_ids))
    return byte, end, depth, token_first, token_ids, root_child


def below(texts: Sequence[bytes], classes: Sequence[int], utf8: int, stray: int) -> list[int]:
    """For each prefix of a text, in order: the bits of the classes of the bytes behind it, in any text.

    Args:
        classes: of the ASCII bytes.
        utf8, stray: the class of a byte from 0x80 on that is part of a character which begins behind the prefix, and of
            any other one, and besides of one that breaks a character off.
    """
    prefixes = sorted({text[:k] for text in texts for k in range(1, len(text) + 1)})
    found = []
    for prefix in prefixes:
        bits = 0
        for text in prefixes:
            rest = text[len(prefix) :]
            if not rest or not text.startswith(prefix):
                continue
            if rest[-1] < 0x80:
                bits |= 1 << classes[rest[-1]]
            else:
                bits |= 1 << (utf8 if any(_begins(rest[-k:]) for k in range(1, 5)) else stray)
            if any(_owes(text[-k - 1 : -1]) and not _begins(text[-k - 1 :]) for k in range(1, 4)):
                bits |= 1 << stray
        found.append(bits)
    return found


def _begins(data: bytes) -> bool:
    """Are these bytes UTF-8, but for the last character, of which the first bytes may do?"""
    for more in (b"", b"\x80", b"\xbf", b"\x80\x80", b"\xbf\x80", b"\x80\x80\x80", b"\xbf\x80\x80"):
        try:
            (data + more).decode()
        except UnicodeDecodeError:
            continue
        return True
    return False


def _owes(data: bytes) -> bool:
    """Are these the first bytes of one character, and not all of it?"""
    return len(data) > 0 and data[0] >= 0xC0 and _begins(data) and not _is_whole(data)


def _is_whole(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
