"""``Generator.infill`` and ``repair``, from left to right and by fill-in-the-middle tokens, on a random model."""

import json

import pytest

from structgen.errors import BudgetError, InputError, ModelError, UnsatisfiableError

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

import structgen as sg  # noqa: E402
from structgen.infill.gap import Gap  # noqa: E402
from structgen.integrations import infilling_loops  # noqa: E402
from structgen.integrations.fim import FAMILIES, FillInTheMiddle  # noqa: E402
from structgen.integrations.forward import Single  # noqa: E402

from .conftest import FIM, make_tokenizer  # noqa: E402

SCHEMA = {
    "type": "object",
    "properties": {"name": {"type": "string", "maxLength": 9}, "age": {"enum": [*range(10, 100)]}},
    "required": ["name", "age"],
    "additionalProperties": False,
}
TEXT = '{"name": "<hole:name 2-4>", "age": <hole:age>}'


@pytest.fixture
def fed(monkeypatch):
    """What the model reads: for each text the ids of each pass."""
    texts = []

    class Recorded(Single):
        def __init__(self, *given):
            super().__init__(*given)
            self.ids = []
            texts.append(self.ids)

        def feed(self, new):
            self.ids.append(list(new))
            return super().feed(new)

    monkeypatch.setattr(infilling_loops, "Single", Recorded)
    return texts


def check(done, gen):
    """The text is valid, the fixed parts are where they were, and the tokens are those of the text."""
    value = json.loads(done.text)
    assert done.value == value and 10 <= value["age"] <= 99 and len(value["name"]) <= 9
    name, age = done["name"], done["age"]
    assert done.text == f'{{"name": "{name}", "age": {age}}}'
    assert gen.vocabulary.token_bytes(done.tokens).decode() == done.text
    data = done.text.encode()
    for region in done.regions:
        assert data[region.start : region.end].decode() == region.text
        assert region.log_probability <= 0


@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_left_to_right(gen, temperature):
    sampler = sg.sampling.Masked(temperature=temperature)
    for seed in range(4):
        done = gen.infill(TEXT, sg.JsonSchema(SCHEMA), max_tokens=20, sampler=sampler, seed=seed)
        check(done, gen)
        again = gen.infill(TEXT, sg.JsonSchema(SCHEMA), max_tokens=20, sampler=sampler, seed=seed)
        assert again.tokens == done.tokens


def test_the_log_probabilities_are_the_models(gen):
    done = gen.infill(["a", Gap(3), "b"], sg.Regex("a[a-z ]*b"), prompt="x", chat=False)
    ids = [*gen.tokenizer("x", add_special_tokens=False)["input_ids"], *done.tokens]
    with torch.inference_mode():
        law = torch.log_softmax(gen.model(torch.tensor([ids])).logits[0].float(), -1)
    start = len(ids) - len(done.tokens)
    gap = [law[i - 1, ids[i]].item() for i in range(start + 1, start + 4)]
    assert len(done.tokens) == 5
    assert done.regions[0].log_probability == pytest.approx(sum(gap), abs=1e-3)


def test_what_fits_a_canvas_alone_is_written(gen):
    done = gen.infill("x<hole>z", sg.Choice(["xyz", "xyy", "zyz"]))
    assert (done.text, done.regions[0].text) == ("xyz", "y")


def test_refusals(gen):
    with pytest.raises(UnsatisfiableError):
        gen.infill("a<hole>", sg.Regex("b+"))
    with pytest.raises(BudgetError):
        gen.infill("<hole>", sg.Regex("[a-z]{400}"), max_tokens=2)
    with pytest.raises(InputError, match="no tokens for filling"):
        gen.infill(TEXT, sg.JsonSchema(SCHEMA), method="fim")
    with pytest.raises(ModelError, match="no token"):
        gen.infill(TEXT, sg.JsonSchema(SCHEMA), method="fim", family="starcoder")
    with pytest.raises(InputError, match="a canvas is"):
        gen.infill(3, sg.JsonSchema(SCHEMA))


def test_repair(gen):
    valid = '{"name": "Ada", "age": 36}'
    assert gen.repair(valid, sg.JsonSchema(SCHEMA)).changes == ()
    for text in ('{"name": "Ada", "age": 3}', '{"name": "Ada", "age": 36', '{"name": "Ada" "age": 36}'):
        done = gen.repair(text, sg.JsonSchema(SCHEMA), max_tokens=40)
        assert done.value == json.loads(done.text) and 10 <= done.value["age"] <= 99
        rest, at = b"", 0
        for change in done.changes:
            assert text.encode()[change.start : change.end].decode() == change.before
            rest += text.encode()[at : change.start] + change.after.encode()
            at = change.end
        assert (rest + text.encode()[at:]).decode() == done.text


def test_orders_of_a_prompt():
    tokenizer = make_tokenizer(template=None)
    tokenizer.add_special_tokens({"additional_special_tokens": FIM})
    prefix, suffix, middle, sep = tokenizer.convert_tokens_to_ids(FIM)
    fim = FillInTheMiddle.of(tokenizer, (0,))
    assert fim.ends == (0, sep)

    def encode(text):
        return [ord(c) for c in text]

    assert fim.ids("a", "b", encode) == [prefix, 97, suffix, 98, middle]
    assert fim.ids("a", "b", encode, "spm") == [prefix, suffix, 98, middle, 97]
    assert FillInTheMiddle.of(make_tokenizer()) is None
    with pytest.raises(InputError):
        FillInTheMiddle.of(tokenizer, family="nobody")
    assert all(family.order in ("psm", "spm") for family in FAMILIES.values())


@pytest.mark.parametrize("order", ["psm", "spm"])
@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_gap_by_gap(fim_gen, fed, order, temperature):
    """Each gap is asked for with the text before it, filled, and what is fixed behind it."""
    gen = fim_gen
    sampler = sg.sampling.Masked(temperature=temperature)
    done = gen.infill(TEXT, sg.JsonSchema(SCHEMA), max_tokens=20, order=order, sampler=sampler)
    check(done, gen)
    fim = FillInTheMiddle.of(gen.tokenizer, gen.vocabulary.eos_token_ids)
    first = fim.ids('{"name": "', '", "age": }', gen._encode, order)
    second = fim.ids(f'{{"name": "{done["name"]}", "age": ', "}", gen._encode, order)
    assert [ids[0] for ids in fed] == [first, second]


def test_gaps_side_by_side_and_at_both_ends(fim_gen):
    done = fim_gen.infill([Gap(1), Gap(2), "-", Gap(0, 1), Gap()], sg.Regex("[a-z]*-[a-z]{0,5}"), max_tokens=12)
    assert len(done.regions) == 5 - 1
    a, b, c, d = (region.text for region in done.regions)
    assert done.text == f"{a}{b}-{c}{d}" and a and b


def test_a_prompt_is_for_left_to_right(fim_gen, fed):
    check(fim_gen.infill(TEXT, sg.JsonSchema(SCHEMA), prompt="A person:", max_tokens=20), fim_gen)
    assert len(fed) == 1
    with pytest.raises(InputError, match="takes no prompt"):
        fim_gen.infill(TEXT, sg.JsonSchema(SCHEMA), prompt="A person:", method="fim")
