"""Accept and reject: the rule's law by enumeration, and both kernels on every outcome of the rule."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("triton", reason="triton is not installed")

from structgen.kernels.accept import Accepted, accept, gpu, naive  # noqa: E402
from structgen.kernels.apply_mask.naive import allowed as allowed_by  # noqa: E402
from tests.kernels.drawn import DTYPES, drawn_rows  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning:triton")


class Open(Exception):
    """A script has come to its end: it can go on with each of these."""


def attempt(
    script: list[Any], target: Any, tokens: list[int], parents: list[int], draft: Any
) -> tuple[float, list[int], list[int], list[float]]:
    """What comes of the rule with these coins and draws: see ``outcomes``. Raises Open where there are too few."""
    chance, uniforms, left = 1.0, [0.5] * (len(tokens) + 1), iter(script)

    def choose(options: list[Any]) -> Any:
        for choice in left:
            return choice
        raise Open(options)

    def flip(i: int, p: float) -> bool:
        nonlocal chance
        taken = bool(choose([x for x, q in ((True, p), (False, 1 - p)) if q > 1e-12]))
        chance *= p if taken else 1 - p
        uniforms[i] = p / 2 if taken else (1 + p) / 2
        return taken

    def draw(law: Any) -> int:
        nonlocal chance
        token = int(choose([t for t, p in enumerate(law) if p > 1e-12]))
        chance *= law[token]
        uniforms[-1] = sum(law[:token]) + law[token] / 2
        return token

    path, chosen = naive.walk(target, tokens, parents, draft, flip, draw)
    return chance, path, chosen, uniforms


def outcomes(
    target: Any, tokens: list[int], parents: list[int], draft: Any
) -> Iterator[tuple[float, list[int], list[int], list[float]]]:
    """Every outcome of the rule: its probability, nodes and tokens, and uniforms that bring it about."""
    todo: list[list[Any]] = [[]]
    while todo:
        script = todo.pop()
        try:
            yield attempt(script, target, tokens, parents, draft)
        except Open as more:
            todo.extend([*script, x] for x in more.args[0])


def softmax(x: Any) -> Any:
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


@pytest.mark.parametrize("masked_draft", [False, True])
@pytest.mark.parametrize("tree", [[-1, 0], [-1, -1], [-1, -1, 1], [-1, 0, 0, -1]], ids=str)
def test_the_law_is_the_targets(tree: list[int], masked_draft: bool) -> None:
    """By enumeration over all drafts and all coins: texts of two tokens have the masked target's law.

    The target's law at a node depends on the path to it, and masks cut tokens off; drafts are raw or masked; siblings
    are drawn without repeats.
    """
    rng = np.random.default_rng(len(tree) + 7 * masked_draft)
    v = 3
    logits: dict[tuple[int, ...], Any] = {}
    masks: dict[tuple[int, ...], Any] = {}
    drafts: dict[tuple[int, ...], Any] = {}

    def target(path: tuple[int, ...]) -> Any:
        if path not in logits:
            logits[path], drafts[path] = rng.normal(size=v) * 2, rng.normal(size=v)
            masks[path] = rng.random(v) < 0.7
            masks[path][rng.integers(v)] = True
        return softmax(np.where(masks[path], logits[path], -np.inf))

    def draft_law(path: tuple[int, ...], before: list[int]) -> Any:
        target(path)
        x = np.where(masks[path], drafts[path], -np.inf) if masked_draft else drafts[path].copy()
        x[before] = -np.inf
        return None if not np.isfinite(x).any() else softmax(x)

    law: dict[tuple[int, ...], float] = defaultdict(float)

    def grow(tokens: list[int], laws: list[Any], chance: float) -> None:
        i = len(tokens)
        paths = [()] + [path_of(tokens, n) for n in range(i)]
        if i < len(tree):
            before = [tokens[n] for n in range(i) if tree[n] == tree[i] and tokens[n] >= 0]
            q = draft_law(paths[tree[i] + 1], before) if tree[i] < 0 or tokens[tree[i]] >= 0 else None
            if q is None:
                grow([*tokens, -1], [*laws, np.ones(v)], chance)
                return
            for token in range(v):
                if q[token] > 0:
                    grow([*tokens, token], [*laws, q], chance * q[token])
            return
        for p, _, chosen, _ in outcomes([target(path) for path in paths], tokens, tree, laws):
            law[tuple(chosen)] += chance * p

    def path_of(tokens: list[int], node: int) -> tuple[int, ...]:
        return (*(path_of(tokens, tree[node]) if tree[node] >= 0 else ()), tokens[node])

    grow([], [], 1.0)
    assert sum(law.values()) == pytest.approx(1)
    # completed by the target to two tokens, the texts have its law
    two: dict[tuple[int, ...], float] = defaultdict(float)
    for chosen, p in law.items():
        for token in range(v):
            if len(chosen) >= 2:
                two[chosen[:2]] += p / v
            else:
                two[(*chosen, token)] += p * target(chosen)[token]
    for a in range(v):
        for b in range(v):
            assert two[a, b] == pytest.approx(target(())[a] * target((a,))[b], abs=1e-9)


@pytest.mark.parametrize("seed", range(12))
def test_kernels_take_every_outcome(seed: int) -> None:
    """Random trees, masks, temperatures and cuts: for each outcome of the rule its uniforms bring it about."""
    rng = np.random.default_rng(seed)
    nodes, v = int(rng.integers(1, 5)), int(rng.integers(2, 7))
    dtype, heat = DTYPES[seed % 3], [0.7, 1.0, 0.0][seed % 4 % 3]
    parents = [int(rng.integers(-1, i)) if i else -1 for i in range(nodes)]
    logits = torch.from_numpy(rng.normal(size=(1, nodes + 1, v)) * 2).to(dtype)
    rows, indices, allowed = None, None, torch.ones(nodes + 1, v, dtype=torch.bool)
    if rng.random() < 0.7:
        rows = drawn_rows(rng, 6, v) | 1  # never empty
        indices = torch.from_numpy(rng.integers(-1, 6, (1, nodes + 1)).astype(np.int32))
        allowed = allowed_by(rows, indices[0], v)
    cuts = None
    if rng.random() < 0.5:
        cuts = torch.full((1, nodes + 1), -1.0)
        cuts = torch.minimum(cuts, torch.where(allowed, logits[0].float(), -9.0).max(1).values[None])
        allowed &= logits[0].float() >= cuts[0, :, None]
    scaled = torch.where(allowed, logits[0].double() / (heat or 1), -torch.inf)
    target = torch.softmax(scaled, 1).numpy() if heat else np.eye(v)[scaled.argmax(1).numpy()]
    sure = rng.random() < 0.3
    draft = torch.from_numpy(rng.normal(size=(1, nodes, v))).to(dtype)
    laws = torch.softmax(draft[0].double(), 1).numpy()
    tokens = [int(rng.choice(v, p=law)) if rng.random() < 0.9 else -1 for law in laws]
    if sure:
        laws = np.eye(v)[np.maximum(tokens, 0)]
    every = list(outcomes(target, tokens, parents, laws))
    assert sum(p for p, *_ in every) == pytest.approx(1)
    every = [case for case in every if case[0] > 1e-6]
    n = len(every)
    given: dict[str, Any] = {
        "logits": logits.repeat(n, 1, 1),
        "tokens": torch.tensor([tokens] * n, dtype=torch.int32),
        "parents": torch.tensor([parents] * n, dtype=torch.int32),
        "uniforms": torch.tensor([case[3] for case in every], dtype=torch.float32),
        "draft": None if sure else draft.repeat(n, 1, 1),
        "rows": rows,
        "indices": None if indices is None else indices.repeat(n, 1),
        "temperature": torch.full((n,), heat),
        "cuts": None if cuts is None else cuts.repeat(n, 1),
    }
    poison = [torch.full(shape, 77, dtype=torch.int32) for shape in ((n,), (n, nodes), (n, nodes + 1))]
    cuts = torch.full((n, nodes + 1), -torch.inf) if cuts is None else given["cuts"]
    gpu.accept(*(cuts if key == "cuts" else value for key, value in given.items()), Accepted(*poison))
    for got in (accept(**given), Accepted(*poison)):
        for b, (_, path, chosen, _) in enumerate(every):
            assert got.counts[b] == len(path)
            assert got.nodes[b].tolist() == path + [-1] * (nodes - len(path))
            assert got.tokens[b].tolist() == chosen + [-1] * (nodes + 1 - len(chosen))


def test_a_place_without_a_chance_gives_no_token() -> None:
    given = torch.full((1, 1, 5), -torch.inf), torch.empty((1, 0), dtype=torch.int32)
    out = Accepted(*(torch.full(shape, 77, dtype=torch.int32) for shape in ((1,), (1, 0), (1, 1))))
    cuts = torch.full((1, 1), -torch.inf)
    gpu.accept(given[0], given[1], given[1], torch.zeros(1, 1), None, None, None, torch.ones(1), cuts, out)
    for got in (accept(given[0], given[1], given[1], torch.zeros(1, 1)), out):
        assert (got.counts.item(), got.tokens.item()) == (0, -1)
