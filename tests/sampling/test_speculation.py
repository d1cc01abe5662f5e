"""Speculation changes no law. Judged by going through every outcome of every random choice, with its probability."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import structgen as sg
from structgen import bits
from structgen.runtime import CompiledGrammar
from structgen.sampling import DraftModel, EarlierTexts, ForcedSpans, ForeignModel, Masked, PromptLookup
from structgen.sampling.choose import TokenLaw, token_law
from structgen.sampling.draws import Draws
from structgen.sampling.jumpforward import JumpForward
from structgen.sampling.speculation import FREE, Branches, Drafter, Pace, Sessions, Setting, accept, follow
from tests.sampling.toys import EOS, TOKENS, HashModel, outcomes, vocabulary

VOCAB = vocabulary()
ENCODE = VOCAB.encoder()

#: Forced spans, choices between spellings, an end inside, a window that a trigger opens, and one that reasoning closes.
CONSTRAINTS = {
    "regex": sg.Regex("(aab|b)(a|bb)?"),
    "forced": sg.Regex("ab(c|é)ba"),
    "trigger": sg.Trigger({"ab": sg.Regex("bb?")}, at_least=1, at_most=1, free=sg.Regex("a?"), tail=False),
    "reasoning": sg.reasoning(sg.Choice(["b", "bb"]), start="", end="a"),
}
GRAMMARS = {name: sg.compile(constraint, VOCAB) for name, constraint in CONSTRAINTS.items()}
#: Texts of this many tokens at most; windows of free text would go on for ever.
BUDGET = {"regex": 4, "forced": 5, "trigger": 4, "reasoning": 3}
PROMPT = [0, 1, 8]  # "abc"

class Remembering(HashModel):
    """Tells what it has told before; counts how often it is asked."""

    def __init__(self, seed: int, size: int = len(TOKENS)) -> None:
        super().__init__(seed, size)
        self.calls = 0
        self._known: dict[tuple[int, ...], np.ndarray] = {}

    def next_logprobs(self, contexts: list[list[int]]) -> np.ndarray:
        self.calls += 1
        for context in contexts:
            if tuple(context) not in self._known:
                self._known[tuple(context)] = super().next_logprobs([context])[0]
        return np.array([self._known[tuple(context)] for context in contexts])


SMALL, OTHER = Remembering(seed=7), Remembering(seed=3, size=7)
FOREIGN = sg.Vocabulary([b"a", b"b", b"c", b"abb", b"\xc3", b"\xa9", None], eos_token_ids=[6])


def earlier() -> EarlierTexts:
    drafter = EarlierTexts(shortest=1)
    for text in ("aabbb", "abéba", "babb"):
        drafter.add(ENCODE(text))
        drafter.add([TOKENS.index(bytes([byte])) for byte in text.encode()])
    return drafter


DRAFTERS: dict[str, Callable[[], list[Drafter]]] = {
    "none": lambda: [],
    "lookup": lambda: [PromptLookup(shortest=1)],
    "earlier": lambda: [earlier()],
    "forced": lambda: [ForcedSpans()],
    "forced, then lookup": lambda: [ForcedSpans(), PromptLookup(shortest=1)],
    "likeliest": lambda: [DraftModel(SMALL)],
    "two likeliest": lambda: [DraftModel(SMALL, width=2, masked=False)],
    "drawn, masked": lambda: [DraftModel(SMALL, draw=True)],
    "drawn, raw": lambda: [DraftModel(SMALL, draw=True, masked=False)],
    "tree with replacement": lambda: [DraftModel(SMALL, draw=True, width=2, replaced=True)],
    "tree without replacement": lambda: [DraftModel(SMALL, draw=True, width=2, masked=False)],
    "other vocabulary": lambda: [ForeignModel(OTHER, FOREIGN, length=2)],
}


def allowed(grammar: CompiledGrammar, state: int, left: int) -> np.ndarray:
    if left == 0:
        return np.array([EOS]) if grammar.accepts(state) else np.array([], dtype=np.int64)
    return bits.ids(grammar.budget_mask(state, left))


def plain_law(grammar: CompiledGrammar, model: Any, budget: int, sampler: Masked) -> dict[tuple[int, ...], float]:
    """The law of texts drawn token by token, worked out by itself."""
    law: dict[tuple[int, ...], float] = {}
    todo = [((), grammar.start, 1.0)]
    while todo:
        tokens, state, chance = todo.pop()
        ids = allowed(grammar, state, budget - len(tokens))
        logits = model.next_logprobs([PROMPT + list(tokens)])[0][ids] / sampler.temperature
        weights = np.exp(logits - logits.max())
        if sampler.top_k is not None:
            weights[np.argsort(-weights)[sampler.top_k :]] = 0.0
        if sampler.top_p is not None:
            order = np.argsort(-weights)
            mass = np.cumsum(weights[order]) / weights.sum()
            weights[order[1:][mass[:-1] >= sampler.top_p]] = 0.0
        if sampler.min_p is not None:
            weights[weights < sampler.min_p * weights.max()] = 0.0
        for token, p in zip(ids.tolist(), (weights / weights.sum()).tolist(), strict=True):
            if p > 0.0:
                after = (*tokens, token)
                if token == EOS:
                    law[after] = chance * p
                else:
                    todo.append((after, grammar.advance(state, token), chance * p))
    return law


def speculate(
    grammar: CompiledGrammar,
    model: Any,
    budget: int,
    sampler: Masked,
    drafters: list[Drafter],
    room: int,
    draws: Any,
    rule: Callable[..., int] = accept,
) -> tuple[int, ...]:
    """A text by drafts: as a generator writes it, with a toy in the place of the forward pass."""
    setting = Setting(VOCAB, ENCODE, grammar, JumpForward(grammar, ENCODE), sampler)
    sessions = Sessions(drafters, setting, PROMPT, jumps=False, draws=draws)
    pace = Pace(lambda width: width, adapt=False)
    tokens: list[int] = []
    state = grammar.start
    while not tokens or tokens[-1] != EOS:
        draft = sessions.grow(state, pace, rows=1, pending=1, room=room)
        contexts = [PROMPT + tokens + draft.path(place) for place in range(-1, len(draft))]
        rows = model.next_logprobs(contexts)  # one pass over the whole tree
        begin = len(tokens)

        def take(place: int, rows: Any = rows, draft: Any = draft) -> list[int]:
            nonlocal state
            if tokens and tokens[-1] == EOS:
                return []
            ids = allowed(grammar, state, budget - len(tokens))
            token = rule(token_law(rows[place + 1], ids, sampler), draft.branches.get(place), draws)
            tokens.append(token)
            state = grammar.advance(state, token)
            return [token]

        settled = follow(draft, take)
        assert draft.path(settled.nodes[-1] if settled.nodes else -1) + settled.beyond == tokens[begin:]
        sessions.extend(tokens[begin:])
        replayed = grammar.start
        for token in tokens:
            replayed = grammar.advance(replayed, token)
        assert state == replayed >= 0
    return tuple(tokens)


def law_of(run: Callable[[Any], tuple[int, ...]]) -> dict[tuple[int, ...], float]:
    law: dict[tuple[int, ...], float] = defaultdict(float)
    for chance, text in outcomes(run):
        law[text] += chance
    return law


def differ(one: dict[Any, float], other: dict[Any, float]) -> float:
    return max(abs(one.get(key, 0.0) - other.get(key, 0.0)) for key in {*one, *other})


@pytest.mark.parametrize("name", CONSTRAINTS)
@pytest.mark.parametrize("drafter", DRAFTERS)
def test_the_law_is_that_of_single_tokens(name: str, drafter: str) -> None:
    grammar, model, budget = GRAMMARS[name], Remembering(seed=1), BUDGET[name]
    if drafter == "tree with replacement":
        budget = min(budget, 3)
    room = 3 if "tree" in drafter else 4
    sampler = Masked(top_k=2)  # fewer outcomes to go through; other samplers have a test of their own
    want = plain_law(grammar, model, budget, sampler)
    assert sum(want.values()) == pytest.approx(1.0)
    got = law_of(lambda draws: speculate(grammar, model, budget, sampler, DRAFTERS[drafter](), room, draws))
    assert differ(got, want) < 1e-9


@pytest.mark.parametrize("sampler", [Masked(top_k=3, temperature=0.5), Masked(top_p=0.7), Masked(min_p=0.4)])
@pytest.mark.parametrize("drafter", ["lookup", "drawn, masked", "tree with replacement"])
def test_any_sampler_is_kept_to(sampler: Masked, drafter: str) -> None:
    grammar, model = GRAMMARS["regex"], Remembering(seed=2)
    got = law_of(lambda draws: speculate(grammar, model, 2, sampler, DRAFTERS[drafter](), 2, draws))
    assert differ(got, plain_law(grammar, model, 2, sampler)) < 1e-9


@pytest.mark.parametrize("drafter", [name for name in DRAFTERS if "drawn" not in name and "tree" not in name])
def test_guesses_without_chance_leave_the_very_text_alone(drafter: str) -> None:
    """The same random numbers give the same text, whatever was guessed."""
    grammar, model = GRAMMARS["reasoning"], Remembering(seed=4)
    for seed in range(30):
        texts = {
            speculate(grammar, model, 6, Masked(), drafters, 5, Draws(seed)) for drafters in ([], DRAFTERS[drafter]())
        }
        assert len(texts) == 1


def test_drafts_are_accepted() -> None:
    """The tests above would hold if nothing were ever guessed right."""
    asked = {}
    for name in ("none", "likeliest", "drawn, masked", "tree without replacement", "earlier", "forced"):
        model = Remembering(seed=7)  # the drafters' own law
        for seed in range(20):
            speculate(GRAMMARS["regex"], model, 6, Masked(), DRAFTERS[name](), 4, Draws(seed))
        asked[name] = model.calls
    assert asked["earlier"] < asked["none"] and asked["forced"] < asked["none"], asked
    assert all(asked[name] < 0.5 * asked["none"] for name in asked if name not in ("none", "earlier", "forced")), asked


# The rule at one place.


def law(*probabilities: float) -> TokenLaw:
    p = np.array(probabilities)
    kept = np.flatnonzero(p > 0.0)
    scores = np.log(p[kept])
    return TokenLaw(kept, scores - scores.max())


def draw(q: TokenLaw, n: int, replaced: bool, draws: Any) -> tuple[int, ...]:
    scores, found = q.scores.copy(), []
    for _ in range(n):
        i = draws.index(scores)
        found.append(int(q.ids[i]))
        if not replaced:
            scores[i] = -np.inf
    return tuple(found)


P, Q, MASK = law(0.5, 0.3, 0.15, 0.05), law(0.4, 0.1, 0.1, 0.4), [0, 2, 3]
MASKED_P, MASKED_Q = law(0.5 / 0.7, 0, 0.15 / 0.7, 0.05 / 0.7), law(0.4 / 0.9, 0, 0.1 / 0.9, 0.4 / 0.9)


@pytest.mark.parametrize(("n", "replaced"), [(1, True), (2, True), (3, True), (1, False), (2, False), (3, False)])
@pytest.mark.parametrize("q", [Q, MASKED_Q])
def test_one_place(q: TokenLaw, n: int, replaced: bool) -> None:
    def run(draws: Any) -> int:
        return accept(MASKED_P, Branches(draw(q, n, replaced, draws), q, replaced), draws)

    got = law_of(run)
    want = dict(zip(MASKED_P.ids.tolist(), np.exp(MASKED_P.scores) / np.exp(MASKED_P.scores).sum(), strict=True))
    assert differ(got, want) < 1e-12


def wrong_unmasked_ratio(draws: Any) -> int:
    """Tests against the unmasked target, and masks what is left."""
    p, q = np.array([0.5, 0.3, 0.15, 0.05]), np.array([0.4, 0.1, 0.1, 0.4])
    token = draws.index(np.log(q))
    if token in MASK and draws.happens(min(1.0, p[token] / q[token])):
        return int(token)
    rest = np.zeros(4)
    rest[MASK] = np.maximum(p - q, 0.0)[MASK]
    with np.errstate(divide="ignore"):
        return int(draws.index(np.log(rest)))


def wrong_raw_ratio(draws: Any) -> int:
    """Draws from the masked draft, and divides by the raw one."""
    return accept(MASKED_P, Branches(draw(MASKED_Q, 1, True, draws), Q), draws)


def test_the_two_common_mistakes_are_told_apart() -> None:
    want = dict(zip(MASKED_P.ids.tolist(), np.exp(MASKED_P.scores) / np.exp(MASKED_P.scores).sum(), strict=True))
    assert differ(law_of(wrong_unmasked_ratio), want) > 0.03
    assert differ(law_of(wrong_raw_ratio), want) > 0.005


def test_how_siblings_were_drawn_matters() -> None:
    target, q = law(0.05, 0.35, 0.25, 0.2, 0.15), law(0.6, 0.1, 0.1, 0.1, 0.1)
    want = dict(enumerate((0.05, 0.35, 0.25, 0.2, 0.15)))

    def run(draws: Any, told: bool) -> int:
        return accept(target, Branches(draw(q, 2, False, draws), q, told), draws)

    assert differ(law_of(lambda draws: run(draws, False)), want) < 1e-12
    assert differ(law_of(lambda draws: run(draws, True)), want) > 1e-2


def test_a_wrong_rule_is_found_in_whole_texts() -> None:
    """What judges the rule in whole texts must be able to find it wrong."""
    grammar, model, sampler = GRAMMARS["regex"], Remembering(seed=1), Masked(top_k=3)

    def always(target: TokenLaw, branches: Branches | None, draws: Any) -> int:
        if branches is not None and branches.tokens and branches.tokens[0] in target.ids:
            return branches.tokens[0]
        return accept(target, None, draws)

    want = plain_law(grammar, model, 2, sampler)
    got = law_of(lambda draws: speculate(grammar, model, 2, sampler, DRAFTERS["drawn, raw"](), 2, draws, always))
    assert differ(got, want) > 1e-3


@pytest.mark.parametrize("theta", [(1.0, 0.2, 0.7), (0.0, 1.0, 1.0)])
def test_a_weighted_target(theta: tuple[float, ...]) -> None:
    """ASAp's and CARS's target, p times theta, is a target like any other."""
    p = np.exp(MASKED_P.scores) * np.array(theta)
    with np.errstate(divide="ignore"):
        scores = np.log(p / p.max())
    target = TokenLaw(MASKED_P.ids, scores)
    got = law_of(lambda draws: accept(target, Branches(draw(Q, 2, False, draws), Q, False), draws))
    assert differ(got, dict(zip(MASK, (p / p.sum()).tolist(), strict=True))) < 1e-12


def test_untrue_branches_are_refused() -> None:
    with pytest.raises(ValueError, match="cannot have been drawn"):
        accept(MASKED_P, Branches((1,), MASKED_Q), Draws(0))
    with pytest.raises(ValueError, match="twice"):
        accept(law(0, 0, 1.0), Branches((0, 0), Q, False), Draws(0))


# Samplers of whole texts: the model is asked ahead, and nothing else changes.

SAMPLERS: dict[str, Callable[[], Any]] = {
    "masked": Masked,
    "asap": sg.sampling.ASAp,
    "cars": sg.sampling.CARS,
    "mcmc": lambda: sg.sampling.MCMC(steps=3),
    "smc": lambda: sg.sampling.SMC(particles=3),
    "awrs": lambda: sg.sampling.AWRS(particles=2),
    "power": lambda: sg.sampling.PowerSMC(particles=3),
    "beam": lambda: sg.sampling.Beam(width=2),
}


@pytest.mark.parametrize("name", SAMPLERS)
@pytest.mark.parametrize("drafter", ["earlier", "likeliest", "drawn, raw", "tree with replacement"])
def test_samplers_draw_the_same_texts_with_the_same_weights(name: str, drafter: str) -> None:
    def run(speculative: Any) -> tuple[Any, Remembering]:
        model = Remembering(seed=7)
        options: Any = {"sampler": SAMPLERS[name](), "max_tokens": 5, "speculative": speculative}
        return sg.sampling.sample(model, GRAMMARS["regex"], prompt=PROMPT, n=6, **options), model

    (without, plain), (drafted, ahead) = run(None), run(DRAFTERS[drafter]())
    assert drafted.tokens == without.tokens
    assert np.array_equal(drafted.log_weights, without.log_weights)
    assert drafted.log_z == pytest.approx(without.log_z, nan_ok=True, abs=0.0)
    assert ahead.calls <= plain.calls
    assert ahead.calls < plain.calls or drafter == "earlier" or name == "beam"


def test_weights_of_drafted_texts_are_proper() -> None:
    """The mean of weight times 1{text = x}, over all choices, is P(x): the allowed masses are the target's own."""
    model, grammar, budget = Remembering(seed=5), GRAMMARS["regex"], 3
    speculative = DRAFTERS["likeliest"]()

    def run(draws: Any, patch: Any) -> tuple[tuple[int, ...], float]:
        patch.setattr("structgen.sampling.local.Draws", lambda seed: draws)
        drawn = sg.sampling.sample(
            model, grammar, prompt=PROMPT, sampler=Masked(temperature=0.7), max_tokens=budget, speculative=speculative
        )
        return tuple(drawn.tokens[0]), float(np.exp(drawn.log_weights[0]))

    got: dict[tuple[int, ...], float] = defaultdict(float)
    with pytest.MonkeyPatch.context() as patch:
        for chance, (text, weight) in outcomes(lambda draws: run(draws, patch)):
            got[text] += chance * weight
    for text in plain_law(grammar, model, budget, Masked()):
        log_p = sum(model.next_logprobs([PROMPT + list(text[:i])])[0][token] for i, token in enumerate(text))
        assert got.pop(text[:-1]) == pytest.approx(np.exp(log_p))
    assert not got


def test_the_bound_on_passes_holds_with_guesses() -> None:
    drawn = sg.sampling.sample(
        Remembering(seed=7), GRAMMARS["regex"], prompt=PROMPT, n=50, max_tokens=5, max_passes=7,
        speculative=DRAFTERS["likeliest"](),
    )
    assert drawn.outcome == "budget" and drawn.forward_passes <= 7


# Drafters by themselves.


def session(drafter: Drafter, grammar: CompiledGrammar | None, prompt: list[int], vocab: Any = VOCAB) -> Any:
    encode = vocab.encoder()
    jump = JumpForward(grammar, encode) if grammar else None
    return drafter.begin(Setting(vocab, encode, grammar, jump), prompt)


def plan(opened: Any, state: int = FREE, path: tuple[int, ...] = (), most: int = 50) -> list[int]:
    """What a session guesses when every guess is right."""
    from structgen.sampling.speculation import Spot

    found: list[int] = []
    while len(found) < most and opened.strength(Spot([*path, *found], state)) is not None:
        found += opened.propose(Spot([*path, *found], state), Draws(0)).tokens[:1]
    return found


def test_lookup_copies_what_followed_the_longest_match() -> None:
    vocab = sg.testing.byte_vocabulary()
    opened = session(PromptLookup(), None, list(b"the lazy dog. a lazy cat. "), vocab)
    opened.extend(list(b"the laz"))
    assert bytes(plan(opened)).startswith(b"y dog. a lazy cat")
    opened.extend(list(b"y cow and a"))
    assert plan(opened) == []


def test_lookup_finds_the_value_of_a_field_by_its_name() -> None:
    vocab = sg.testing.byte_vocabulary()
    grammar = sg.compile(sg.Regex(r'\{"total": [0-9.]+, "name": "[^"]*"\}'), vocab)
    opened = session(PromptLookup(), grammar, list(b"Name: Ada Lovelace. Total 129.50 EUR\n"), vocab)
    text = b'{"total": '
    opened.extend(list(text))
    assert bytes(plan(opened, grammar.advance_bytes(grammar.start, text)))[:6] == b"129.50"
    opened.extend(list(b'1, "name": '))
    state = grammar.advance_bytes(grammar.start, b'{"total": 1, "name": ')
    assert bytes(plan(opened, state)).startswith(b'"Ada Lovelace')


def test_plans_are_followed_and_left() -> None:
    vocab = sg.testing.byte_vocabulary()
    opened = session(PromptLookup(names=False), None, list(b"abcdefgh "), vocab)
    opened.extend(list(b"abcd"))
    assert bytes(plan(opened))[:4] == b"efgh"
    opened.extend(list(b"e"))
    assert bytes(plan(opened))[:3] == b"fgh"
    opened.extend(list(b"x"))
    assert plan(opened) == []


def test_forced_spans_are_those_of_the_grammar() -> None:
    grammar = GRAMMARS["forced"]
    opened = session(ForcedSpans(), grammar, PROMPT)
    assert plan(opened, grammar.start)[:1] == [TOKENS.index(b"ab")]


@pytest.mark.parametrize("seed", range(20))
def test_the_automaton_knows_every_factor(seed: int) -> None:
    from structgen.sampling.speculation.automaton import SuffixAutomaton

    rng = np.random.default_rng(seed)
    texts = [rng.integers(0, 3, size=rng.integers(0, 12)).tolist() for _ in range(4)]
    automaton = SuffixAutomaton()
    for text in texts:
        automaton.add(text)
    factors = {tuple(t[i:j]): t[j : j + 4] for t in texts for i in range(len(t)) for j in range(i, len(t) + 1)}
    followed: dict[tuple[int, ...], list[list[int]]] = defaultdict(list)
    for t in texts:
        for i, j in itertools.combinations(range(len(t) + 1), 2):
            followed[tuple(t[i:j])].append(t[j : j + 4])
    walk = rng.integers(0, 3, size=40).tolist()
    state, length = 0, 0
    for n in range(len(walk)):
        state, length = automaton.step(state, length, walk[n])
        longest = next(k for k in range(n + 1, -1, -1) if k == 0 or tuple(walk[n + 1 - k : n + 1]) in factors)
        assert length == longest
        if length:
            assert list(automaton.after(state, 4)) in followed[tuple(walk[n + 1 - length : n + 1])]


def test_earlier_texts_are_remembered_within_bounds() -> None:
    drafter = EarlierTexts(remembered=100, shortest=2)
    for i in range(50):
        drafter.add([i, i + 1, i + 2, i + 3])
        assert len(drafter._known) <= 101
    late, lost = session(drafter, None, []), session(drafter, None, [])
    late.extend([49, 50])
    assert plan(late) == [51, 52]
    lost.extend([0, 1])
    assert plan(lost) == []


def test_a_finished_text_is_an_earlier_one() -> None:
    drafter = EarlierTexts()
    first = session(drafter, None, [1, 2])
    first.extend([5, 6, 7])
    first.end()
    second = session(drafter, None, [3])
    second.extend([5, 6])
    assert plan(second) == [7]


# How much is drafted.


def drive(pace: Pace, passes: int, *, cost: Callable[[int], float], chance: float, guess: float = 0.0) -> float:
    """Simulated tokens per second over those without drafts."""
    rng = np.random.default_rng(0)
    clock, tokens = 0.0, 0
    for _ in range(passes):
        n = pace.length((0, 0), 1, 1, 8)
        hits = 0
        while hits < n and rng.random() < chance:
            hits += 1
        for i in range(min(n, hits + 1)):
            pace.tested((0, 0), i < hits)
        seconds = cost(1 + n) * rng.choice([0.9, 1.0, 1.1, 1.5])
        pace.passed(1, 1 + n, seconds)
        if n:
            pace.guessed(0, n, n * guess)
        pace.settled(1, 1, n, 1 + hits, n * guess)
        clock += cost(1 + n) + n * guess
        tokens += 1 + hits
    return tokens / clock * cost(1)


FLAT: Callable[[int], float] = lambda n: 1.0 + 0.005 * (n - 1)  # noqa: E731
STEP: Callable[[int], float] = lambda n: 1.0 if n == 1 else 1.7 + 0.03 * n  # noqa: E731


@pytest.mark.parametrize("cost", [FLAT, STEP, lambda n: float(n)])
@pytest.mark.parametrize(("chance", "guess"), [(0.0, 0.0), (0.0, 0.2), (0.1, 0.0), (0.3, 0.1)])
def test_drafting_never_costs_much(cost: Callable[[int], float], chance: float, guess: float) -> None:
    assert drive(Pace(lambda width: width), 400, cost=cost, chance=chance, guess=guess) > 0.95


def test_drafting_pays_where_it_can() -> None:
    assert drive(Pace(lambda width: width), 400, cost=FLAT, chance=0.8) > 3.5
    assert drive(Pace(lambda width: width), 400, cost=STEP, chance=0.9) > 2.0


def test_a_padded_pass_makes_drafts_free() -> None:
    pace = Pace(lambda width: -(-width // 8) * 8)
    pace.passed(1, 8, 1.0)
    assert pace.length((0, 0), 1, 1, 7) == 7
