"""Canvases written from left to right: no walk is a dead end, and tokens are allowed as enumeration says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

import structgen as sg
from structgen.errors import BudgetError, InputError, UnsatisfiableError, VocabularyError
from structgen.infill.gap import Gap
from structgen.infill.repair import first_error, repair
from structgen.infill.template import Template
from structgen.infill.walk import Walk
from structgen.ir.network import Network
from tests.infill.toys import canvases, compiled, fillings, is_filling, nested_networks, networks, vocabularies
from tests.naive import Naive
from tests.strategies import examples, within_reach


@examples(80)
@given(st.data(), st.one_of(networks(), nested_networks()), vocabularies(whole=True), st.integers(0, 5))
@within_reach
def test_walks_end_in_fillings(data: st.DataObject, network: Network, vocab: sg.Vocabulary, most: int) -> None:
    """With tokens that end where gaps end: the first tokens allowed are those of the fillings; and no dead end."""
    grammar, naive = compiled(network, vocab), Naive(network)
    elements = [e for e in data.draw(canvases(vocab)) if not isinstance(e, int) or e not in vocab.eos_token_ids]
    if any(isinstance(e, int) and not (e < len(vocab.tokens) and vocab.tokens[e]) for e in elements):
        return
    wanted = [f for f in fillings(naive, vocab, elements, False, most) if _used(f, elements) <= most]
    try:
        walk = Walk(grammar, elements, most, crossing=data.draw(st.booleans()))
    except (UnsatisfiableError, BudgetError):
        assert not wanted
        return
    except VocabularyError:
        return
    assert wanted
    position, tokens = walk.start, []
    while not walk.complete(position):
        after = {t: to for t in range(vocab.size) if (to := walk.token(position, t)) is not None}
        assert after or walk.may_end(position)
        assert set(after) <= set(walk.candidates(position).nonzero()[0].tolist())
        if not after or (walk.may_end(position) and data.draw(st.booleans())):
            break
        token = data.draw(st.sampled_from(sorted(after)))
        position, tokens = after[token], [*tokens, token]
    text = vocab.token_bytes(tokens)
    assert naive.accepts(text) and walk.may_end(position)
    regions = walk.regions(position)
    assert len(regions) == sum(isinstance(e, Gap) for e in elements)
    parts, at = b"", iter(regions)
    for element in elements:
        if isinstance(element, Gap):
            start, end = next(at)
            assert start == len(parts)
            parts += text[start:end]
        else:
            parts += element if isinstance(element, bytes) else vocab.tokens[element] or b""
    assert parts == text
    if not walk._crossing:
        assert is_filling(naive, vocab, elements, tokens, False)


@examples(80)
@given(st.data(), st.one_of(networks(), nested_networks()), vocabularies(whole=True), st.integers(0, 3))
@within_reach
def test_what_is_behind_can_be_written_first(
    data: st.DataObject, network: Network, vocab: sg.Vocabulary, most: int
) -> None:
    """From a boundary on, all that a filling has there is allowed, and all that is allowed has a filling before it."""
    grammar, naive = compiled(network, vocab), Naive(network)
    elements = [e for e in data.draw(canvases(vocab)) if not isinstance(e, int)]
    try:
        walk = Walk(grammar, elements, most)
    except (UnsatisfiableError, BudgetError, VocabularyError):
        return
    index = data.draw(st.integers(0, len(elements)))
    spent = data.draw(st.integers(0, most))
    boundary = walk.canvas.positions(index).start if index < len(elements) else len(walk.canvas)
    begin = walk.from_boundary(boundary, spent)
    behind = elements[index:]
    for filling in fillings(naive, vocab, elements, False, most):
        if _used(filling[index:], behind) <= most - spent:
            position = begin
            for element, part in zip(behind, filling[index:], strict=True):
                for token in vocab.spell(element) if isinstance(element, bytes) else part:
                    assert position is not None
                    position = walk.token(position, token)
            assert position is not None and walk.may_end(position)
    position, text = begin, b""
    while position is not None and not walk.complete(position):
        after = {t: to for t in range(vocab.size) if (to := walk.token(position, t)) is not None}
        assert after or walk.may_end(position)
        if not after or (walk.may_end(position) and data.draw(st.booleans())):
            break
        token = data.draw(st.sampled_from(sorted(after)))
        position, text = after[token], text + (vocab.tokens[token] or b"")
    if position is not None:
        assert sg.infill.completable(grammar, [*elements[:index], text])
        assert len(walk.regions(position)) == sum(isinstance(e, Gap) for e in elements)


def _used(filling: tuple[tuple[int, ...], ...], elements: list[int | bytes | Gap]) -> int:
    return sum(len(part) for part, e in zip(filling, elements, strict=True) if isinstance(e, Gap))


@examples(60)
@given(st.one_of(networks(), nested_networks()), vocabularies(whole=True), st.text("ab", max_size=6))
@within_reach
def test_repairs_are_in_the_language(network: Network, vocab: sg.Vocabulary, text: str) -> None:
    grammar, naive = compiled(network, vocab), Naive(network)
    fixed, changes = repair(grammar, text.encode())
    assert naive.accepts(fixed)
    assert (not changes) == naive.accepts(text.encode()) == (first_error(grammar, text.encode()) is None)
    rest, at = b"", 0
    for change in changes:
        rest += text.encode()[at : change.start] + change.after.encode()
        at = change.end
    assert rest + text.encode()[at:] == fixed


def test_templates() -> None:
    found = Template.parse('{"a": <hole:a>, "b": <hole 3>, "c": <hole:c 1-2>, "d": <hole 2->}')
    assert found.names == ["a", None, "c", None]
    assert [e for e in found.elements if isinstance(e, Gap)] == [Gap(), Gap(3), Gap(1, 2), Gap(2, None)]
    assert Template.parse("<hole> <blank>", word="blank").elements == [b"<hole> ", Gap()]
    for wrong in ("no holes", "<hole", "<hole:>", "<hole 5-3>", "<hole:a><hole:a>", "<hole x>"):
        with pytest.raises(InputError):
            Template.parse(wrong)
