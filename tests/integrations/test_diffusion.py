"""Masked diffusion models of transformers behind ``logits(canvas)``: tiny random ones, loaded as real ones are."""

import json

import numpy as np
import pytest

from structgen.errors import InputError, ModelError

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from structgen.infill.protocol import MASK  # noqa: E402
from structgen.integrations.diffusion import MaskedDiffusion  # noqa: E402

from .conftest import make_tokenizer  # noqa: E402

V = 37
MASK_ID = 36


@pytest.fixture(scope="module")
def bert():
    config = transformers.BertConfig(
        vocab_size=V, hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32,
        max_position_embeddings=64,
    )  # fmt: skip
    torch.manual_seed(0)
    return transformers.BertForMaskedLM(config).eval()


def row(*tokens):
    return np.array(tokens, dtype=np.int32)


def direct(model, *ids):
    with torch.inference_mode():
        return model(torch.tensor([ids])).logits[0].numpy()


def test_masks_become_the_models_own_and_prompt_and_suffix_stand_around(bert):
    model = MaskedDiffusion(bert, MASK_ID, prompt=[3, 4], suffix=[5])
    found = model.logits(row(7, MASK, MASK))
    assert found.shape == (3, V)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, direct(bert, 3, 4, 7, MASK_ID, MASK_ID, 5)[2:5], atol=1e-5)
    assert model.forward_passes == 1


def test_a_canvas_is_seen_on_both_sides(bert):
    model = MaskedDiffusion(bert, MASK_ID)
    assert not np.allclose(model.logits(row(MASK, MASK, 1))[0], model.logits(row(MASK, MASK, 2))[0])


def test_a_batch_is_its_rows(bert):
    model = MaskedDiffusion(bert, MASK_ID, prompt=[9])
    rows = np.array([[1, MASK, 2], [MASK, MASK, 8]], dtype=np.int32)
    found = model.batch(rows)
    for i in range(2):
        np.testing.assert_allclose(found[i], model.logits(rows[i]), atol=1e-5)


@pytest.mark.parametrize("prompt", [[], [3, 4]])
def test_shifted_rows_are_of_the_token_behind(bert, prompt):
    plain = direct(bert, *prompt, 7, MASK_ID, 8)
    found = MaskedDiffusion(bert, MASK_ID, prompt=prompt, shifted=True).logits(row(7, MASK, 8))
    first = len(prompt)
    np.testing.assert_allclose(found[1:], plain[first : first + 2], atol=1e-5)
    np.testing.assert_allclose(found[0], plain[max(first - 1, 0)], atol=1e-5)


def test_the_padding_of_the_logits_is_cut(bert):
    assert MaskedDiffusion(bert, MASK_ID, size=30).logits(row(MASK)).shape == (1, 30)


def test_functions_are_models():
    model = MaskedDiffusion(lambda ids: torch.nn.functional.one_hot(ids, 5).float(), 4)
    np.testing.assert_array_equal(model.logits(row(2, MASK)), np.eye(5, dtype=np.float32)[[2, 4]])


def test_wrong_ids_and_models_are_refused(bert):
    with pytest.raises(InputError, match="no token id"):
        MaskedDiffusion(bert, None)
    with pytest.raises(InputError, match="no token id"):
        MaskedDiffusion(bert, 3, prompt=[-1])
    with pytest.raises(InputError, match="row of token ids"):
        MaskedDiffusion(bert, MASK_ID).logits(np.zeros((2, 2, 2), dtype=np.int32))
    with pytest.raises(ModelError, match="without logits"):
        MaskedDiffusion(lambda ids: None, 4).logits(row(1))
    with pytest.raises(InputError, match="needs a tokenizer"):
        MaskedDiffusion(bert, MASK_ID).told("hello")


# A model with code of its own, as LLaDA and Dream are published: config.json names the classes in a file beside it.
CODE = """
import torch
from transformers import PretrainedConfig, PreTrainedModel
from transformers.modeling_outputs import MaskedLMOutput


class TinyConfig(PretrainedConfig):
    model_type = "KIND"

    def __init__(self, vocab_size=400, width=8, **rest):
        self.vocab_size, self.width = vocab_size, width
        super().__init__(**rest)


class TinyModel(PreTrainedModel):
    config_class = TinyConfig

    def __init__(self, config):
        super().__init__(config)
        self.embed = torch.nn.Embedding(config.vocab_size, config.width)
        self.head = torch.nn.Linear(2 * config.width, config.vocab_size)
        self.post_init()

    def forward(self, input_ids):
        x = self.embed(input_ids)
        return MaskedLMOutput(logits=self.head(torch.cat([x, x.mean(1, keepdim=True).expand_as(x)], -1)))
"""


def published(folder, kind, **more):
    """A folder as such a model is published in."""
    folder.mkdir()
    tokenizer = make_tokenizer()
    tokenizer.save_pretrained(folder)
    (folder / "modeling_tiny.py").write_text(CODE.replace("KIND", kind), encoding="utf-8")
    config = {"model_type": kind, "vocab_size": 400, "width": 8, "architectures": ["TinyModel"], **more}
    config["auto_map"] = {"AutoConfig": "modeling_tiny.TinyConfig", "AutoModel": "modeling_tiny.TinyModel"}
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    torch.manual_seed(1)
    tensors = {
        "embed.weight": torch.randn(400, 8), "head.weight": torch.randn(400, 16), "head.bias": torch.zeros(400),
    }  # fmt: skip
    from safetensors.torch import save_file

    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    return folder


@pytest.mark.parametrize(("kind", "shifted"), [("llada", False), ("Dream", True)])
def test_published_models_are_loaded_with_their_own_code(tmp_path, monkeypatch, kind, shifted):
    monkeypatch.setenv("HF_MODULES_CACHE", str(tmp_path / "modules"))
    folder = published(tmp_path / f"tiny_{kind}", kind, mask_token_id=399)
    model = MaskedDiffusion.from_pretrained(folder)
    assert (model.mask_token_id, model.shifted) == (399, shifted)
    assert model.vocab is not None
    assert model.vocab.size == 400
    asked = model.told("cat")
    assert asked.prompt == model.tokenizer("<|user|>cat<|end|><|assistant|>", add_special_tokens=False)["input_ids"]
    found = asked.logits(row(MASK, MASK))
    plain = direct(model.model, *asked.prompt, 399, 399)
    expected = plain[len(asked.prompt) - 1 : -1] if shifted else plain[len(asked.prompt) :]
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_where_the_mask_comes_from(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_MODULES_CACHE", str(tmp_path / "modules"))
    folder = published(tmp_path / "tiny_other", "otherdiffusion")
    with pytest.raises(ModelError, match="what its mask is"):
        MaskedDiffusion.from_pretrained(folder)
    assert MaskedDiffusion.from_pretrained(folder, mask_token_id=7).mask_token_id == 7
    first = published(tmp_path / "tiny_first", "llada")
    assert MaskedDiffusion.from_pretrained(first).mask_token_id == 126_336
    tokenizer = make_tokenizer()
    tokenizer.add_special_tokens({"mask_token": "<|mask|>"})
    tokenizer.save_pretrained(first)
    assert MaskedDiffusion.from_pretrained(first).mask_token_id == tokenizer.mask_token_id
