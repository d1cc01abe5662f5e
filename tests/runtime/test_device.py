"""Device-side decoding: on a CPU every step equals that of the host."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import structgen as sg  # noqa: E402
from structgen import bits  # noqa: E402
from structgen.errors import InputError, LimitError  # noqa: E402

TOKENS = [*(bytes([i]) for i in range(256)), b"ab", b"12", b'{"', b'":', b"true", b", "]
VOCAB = sg.Vocabulary([*TOKENS, None], eos_token_ids=[len(TOKENS)], size=len(TOKENS) + 9)
EOS = len(TOKENS)
CONSTRAINTS = [
    sg.Regex("(ab|c)+\\d{2,4}"),
    sg.Choice([f"item {i}" for i in range(200)]),
    sg.JsonSchema(
        {
            "type": "object",
            "properties": {"a": {"type": "boolean"}, "b": {"enum": [12, "ab"]}},
            "additionalProperties": False,
        }
    ),
]
NESTED = {"$defs": {"n": {"type": "array", "items": {"$ref": "#/$defs/n"}}}, "$ref": "#/$defs/n"}


@pytest.mark.parametrize("constraint", CONSTRAINTS, ids=["regex", "choice", "schema"])
@pytest.mark.parametrize("how", [{}, {"top_k": 3}, {"temperature": 0.0}], ids=str)
def test_steps_are_those_of_the_host(constraint: sg.Constraint, how: dict[str, float]) -> None:
    """A batch is decoded to the end: tokens are in the host's masks, and states agree with the host's."""
    g = sg.compile(constraint, VOCAB)
    device = g.to_device("cpu", batch=5)
    decoder = device.decoder
    host = [g.start] * 5
    seeds = torch.arange(5)
    rng = np.random.default_rng(1)
    for _ in range(60):
        logits = torch.from_numpy(rng.normal(size=(5, VOCAB.size)).astype(np.float32))
        logits[:, EOS] += 1
        masked = logits.clone()
        decoder.apply(masked)
        for b in range(5):
            assert torch.isfinite(masked[b]).nonzero().flatten().tolist() == bits.ids(g.mask(host[b])).tolist()
        drawn = decoder.step(logits, seeds, **how)
        for b, token in enumerate(drawn.tokens.tolist()):
            host[b] = g.advance(host[b], token)
            assert host[b] >= 0
            assert (host[b] == 0) == (int(decoder.states[b]) == device.FINISHED)
            allowed = bits.ids(g.mask(host[b])).tolist()
            at = int(decoder.indices()[b])
            assert bits.ids(decoder.automaton.rows[at].numpy()).tolist() == allowed
        if not any(host):
            break
    assert decoder.steps.tolist() == [int(decoder.steps[0])] * 5


def test_texts_can_be_begun_and_sequences_be_free() -> None:
    g = sg.compile(sg.Regex("(ab|c)+\\d{2,4}"), VOCAB)
    device = g.to_device("cpu", batch=3)
    state = device.state_after([TOKENS.index(b"ab"), ord("c")])
    assert state > 0
    assert device.state_after([ord("x")]) == device.DEAD
    device.decoder.reset(state)
    device.decoder.states[1] = device.FREE
    logits = torch.zeros(3, VOCAB.size)
    device.decoder.apply(logits)
    assert (logits[1] == 0).all()
    after = g.advance_bytes(g.start, b"abc")
    assert torch.isfinite(logits[0]).nonzero().flatten().tolist() == bits.ids(g.mask(after)).tolist()
    device.decoder.advance(torch.tensor([ord("1"), 5, ord("x")], dtype=torch.int32))
    assert device.decoder.states.tolist() == [device.state_after([ord("1")], state), device.FREE, device.DEAD]


def test_it_tells_its_size_and_why_not() -> None:
    g = sg.compile(CONSTRAINTS[1], VOCAB)
    device = g.to_device("cpu", batch=2)
    assert f"{device.n_states} states" in repr(device)
    assert device.nbytes > device.automaton.nbytes
    assert device.seconds > 0
    with pytest.raises(LimitError, match="nests without bound: a device keeps constraints of finitely many states"):
        sg.compile(sg.JsonSchema(NESTED), VOCAB).to_device("cpu")
    for schema in ({"type": "object"}, {"type": "string", "format": "hostname"}):
        with pytest.raises(LimitError, match="depends on text written before"):
            sg.compile(sg.JsonSchema(schema), VOCAB).to_device("cpu")
    with pytest.raises(InputError, match="batch=0"):
        g.to_device("cpu", batch=0)
    with pytest.raises(InputError, match="cannot be put on 'nonsense'"):
        g.to_device("nonsense")
    with pytest.raises(ValueError, match="graphs are captured on a GPU"):
        device.decoder.capture(torch.zeros(2, VOCAB.size), torch.zeros(2, dtype=torch.int64))


def test_to_device_needs_no_triton_on_a_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "triton", None)
    g = sg.compile(sg.Choice(["ab"]), VOCAB)
    decoder = g.to_device("cpu", batch=1).decoder
    drawn = decoder.step(torch.zeros(1, VOCAB.size), torch.zeros(1, dtype=torch.int64))
    assert drawn.tokens.item() in (ord("a"), TOKENS.index(b"ab"))
