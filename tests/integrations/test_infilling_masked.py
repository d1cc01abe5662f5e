"""``MaskedDiffusion.infill`` on a small random bidirectional model."""

import json

import pytest

from structgen.errors import InputError, UnsatisfiableError

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

import structgen as sg  # noqa: E402
from structgen.infill.gap import Gap  # noqa: E402
from structgen.integrations.diffusion import MaskedDiffusion  # noqa: E402

from .conftest import make_tokenizer  # noqa: E402


@pytest.fixture(scope="module")
def model():
    tokenizer = make_tokenizer(template=None)
    vocab = sg.Vocabulary.from_tokenizer(tokenizer)
    torch.manual_seed(0)
    config = transformers.BertConfig(
        vocab_size=vocab.size + 1, hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32,
        max_position_embeddings=128,
    )  # fmt: skip
    return MaskedDiffusion(transformers.BertForMaskedLM(config).eval(), vocab.size, vocab=vocab, tokenizer=tokenizer)


def test_holes_are_filled(model):
    schema = {
        "type": "object",
        "properties": {"name": {"type": "string", "maxLength": 9}, "age": {"type": "integer", "minimum": 10}},
        "required": ["name", "age"],
        "additionalProperties": False,
    }
    done = model.infill('{"name": "<hole:name 2>", "age": <hole:age>}', sg.JsonSchema(schema), lengths=(1, 3))
    assert done.text == f'{{"name": "{done["name"]}", "age": {done["age"]}}}'
    assert done.value == json.loads(done.text) and done.value["age"] >= 10
    assert model.vocab.token_bytes(done.tokens).decode() == done.text
    data = done.text.encode()
    assert [data[r.start : r.end].decode() for r in done.regions] == [r.text for r in done.regions]
    assert done.log_probability == pytest.approx(sum(r.log_probability for r in done.regions))


def test_a_gap_at_the_end_may_be_shorter(model):
    done = model.infill(["ab", Gap()], sg.Choice(["abc", "abd"]), lengths=(4,))
    assert done.text in ("abc", "abd") and done.regions[0].text == done.text[2:]


def test_refusals(model):
    with pytest.raises(UnsatisfiableError):
        model.infill("a<hole>", sg.Regex("b+"))
    with pytest.raises(InputError, match="lengths"):
        model.infill("a<hole>", sg.Regex("a+"), lengths=())
    with pytest.raises(InputError, match="no vocabulary"):
        MaskedDiffusion(model.model, 3).infill("a<hole>", sg.Regex("a+"))
