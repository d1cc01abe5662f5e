"""A small random model and a byte-level BPE tokenizer trained on a few lines: fast, offline, deterministic."""

from types import SimpleNamespace

import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

CORPUS = [
    '{"name": "Ada", "age": 36, "tags": ["x", "y"], "ok": true}',
    '{"city": "Paris", "country": "France", "people": 2102650}',
    '[{"kind": "cat", "lives": 9}, {"kind": "dog", "lives": 1}, null, false]',
    "yes no maybe; the quick brown fox jumps over the lazy dog",
    "é ü 日本 🙂 {} [] 0123456789 -1.5e3",
]
TEMPLATE = (
    "{% for m in messages %}<|{{ m['role'] }}|>{{ m['content'] }}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
FIM = ["<fim_prefix>", "<fim_suffix>", "<fim_middle>", "<file_sep>"]


def make_tokenizer(template=TEMPLATE):
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=["<|end|>", "<|user|>", "<|assistant|>", "<|pad|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(CORPUS * 4, trainer)
    fast = transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token="<|end|>", pad_token="<|pad|>", padding_side="left"
    )
    fast.chat_template = template
    return fast


def make_model(width, seed=0, **options):
    torch.manual_seed(seed)
    config = transformers.LlamaConfig(
        vocab_size=width,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=512,
        bos_token_id=None,
        eos_token_id=0,
        pad_token_id=3,
        initializer_range=0.3,
        **options,
    )
    return transformers.LlamaForCausalLM(config).eval()


@pytest.fixture(scope="session")
def tokenizer():
    return make_tokenizer()


@pytest.fixture(scope="session")
def plain_tokenizer():
    """Without a chat template."""
    return make_tokenizer(template=None)


@pytest.fixture(scope="session")
def model(tokenizer):
    """Its logits are wider than the tokenizer, as real models' often are."""
    return make_model(len(tokenizer) + 24)


@pytest.fixture(scope="session")
def fim_gen():
    """With the tokens of a model that was trained to fill in the middle."""
    from structgen.integrations.generator import Generator

    tokenizer = make_tokenizer(template=None)
    tokenizer.add_special_tokens({"additional_special_tokens": FIM})
    return Generator(make_model(len(tokenizer)), tokenizer)


@pytest.fixture
def gen(model, tokenizer):
    from structgen.integrations.generator import Generator

    return Generator(model, tokenizer)


@pytest.fixture
def toys():
    """Makers, for tests that need another model or tokenizer."""
    return SimpleNamespace(model=make_model, tokenizer=make_tokenizer)
