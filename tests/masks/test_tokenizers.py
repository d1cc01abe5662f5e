"""Tokenizers of other libraries, small ones made here: every rule of reading token bytes, and every refusal."""

from __future__ import annotations

import io
import random
from types import MappingProxyType, SimpleNamespace
from typing import Any

import pytest

from jsonschemabench import vocabularies
from structgen.errors import InputError, VocabularyError
from structgen.masks import Vocabulary
from structgen.masks.tokenizers import byte_level, generation_ends

LINES = ["the cat sat on the mat", "a naïve café, 12 or 34?", "def f(x):\n\treturn x", "日本語 text 😀"] * 30

TEXTS = [
    "",
    "the cat",
    " the",
    "  two  spaces ",
    "tab\there\n\nlines\r\n",
    "naïve 日本語 😀🏳️‍🌈",
    "e\u0301 not composed",
    "x ▁ y",
    "<s> </s> <|end|> <0x0A>",
    "\x00\x7f\u200b",
    "12345",
]


def check_exact(vocabulary: Vocabulary, tokenizer: Any, texts: list[str] = TEXTS) -> None:
    encode = vocabulary.encoder(tokenizer)
    for text in texts:
        assert vocabulary.token_bytes(encode(text)) == text.encode()


# --- byte-level BPE -------------------------------------------------------------------------------------------


def byte_level_bpe(**options: Any) -> Any:
    """A trained byte-level BPE of tokenizers.Tokenizer, with one special and two other added tokens."""
    tokenizers = pytest.importorskip("tokenizers")
    backend = tokenizers.Tokenizer(tokenizers.models.BPE())
    backend.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=options.get("prefix", False))
    if options.get("decoder", True):
        backend.decoder = tokenizers.decoders.ByteLevel()
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=330,
        special_tokens=["<|endoftext|>"],
        initial_alphabet=tokenizers.pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    backend.train_from_iterator(LINES, trainer)
    backend.add_tokens([tokenizers.AddedToken("    ", special=False), tokenizers.AddedToken("é<x>", special=False)])
    return backend


def test_the_byte_table_is_a_bijection_that_agrees_with_the_library() -> None:
    tokenizers = pytest.importorskip("tokenizers")
    alphabet = tokenizers.pre_tokenizers.ByteLevel.alphabet()
    assert sorted(byte_level(character) for character in alphabet) == [bytes([value]) for value in range(256)]
    pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    for text in TEXTS[1:]:
        [(piece, _)] = pre_tokenizer.pre_tokenize_str(text)
        assert byte_level(piece) == text.encode()


def test_byte_level_with_added_tokens() -> None:
    backend = byte_level_bpe()
    vocabulary = Vocabulary.from_tokenizer(backend)
    assert vocabulary.missing_bytes == frozenset()
    assert vocabulary.eos_token_ids == (backend.token_to_id("<|endoftext|>"),)  # by its name
    assert vocabulary.tokens[backend.token_to_id("    ")] == b"    "
    assert vocabulary.tokens[backend.token_to_id("é<x>")] == "é<x>".encode()  # not through the byte table
    assert vocabulary.tokens[backend.token_to_id("Ġthe")] == b" the"
    check_exact(vocabulary, backend, [*TEXTS, "é<x>    <|endoftext|>"])


def test_a_space_put_in_front_is_cut_off_again() -> None:
    backend = byte_level_bpe(prefix=True)
    vocabulary = Vocabulary.from_tokenizer(backend)
    assert vocabulary.token_bytes(backend.encode("the cat").ids) == b" the cat"
    check_exact(vocabulary, backend)
    assert len(vocabulary.encoder(backend)("the cat")) <= len(backend.encode("the cat").ids) + 2


def test_byte_level_without_a_decoder_is_known_by_its_pre_tokenizer() -> None:
    assert Vocabulary.from_tokenizer(byte_level_bpe(decoder=False)) == Vocabulary.from_tokenizer(byte_level_bpe())


def test_a_normaliser_does_not_change_the_text_that_is_encoded() -> None:
    backend = byte_level_bpe()
    backend.normalizer = pytest.importorskip("tokenizers").normalizers.NFC()
    assert backend.decode(backend.encode("e\u0301").ids) == "é"
    check_exact(Vocabulary.from_tokenizer(backend), backend)


def test_transformers_around_it_and_what_its_configuration_adds() -> None:
    transformers = pytest.importorskip("transformers")
    backend = byte_level_bpe()
    end, special = backend.token_to_id("<|endoftext|>"), backend.token_to_id("the")
    tokenizer = transformers.PreTrainedTokenizerFast(
        tokenizer_object=backend, eos_token="<|endoftext|>", additional_special_tokens=["the", "<|end|>"]
    )
    vocabulary = Vocabulary.from_tokenizer(tokenizer)
    assert vocabulary.eos_token_ids == (end,)
    assert vocabulary.tokens[special] is None  # special by configuration only
    assert vocabulary.tokens[tokenizer.convert_tokens_to_ids("<|end|>")] is None
    check_exact(vocabulary, tokenizer)
    more = Vocabulary.from_tokenizer(tokenizer, generation_config=SimpleNamespace(eos_token_id=[end, 7, 9]))
    assert more.eos_token_ids == (end, 7, 9)
    assert more.tokens[7] is None
    assert Vocabulary.from_tokenizer(tokenizer, eos_token_ids=[5]).eos_token_ids == (5,)
    processor = type("Processor", (transformers.ProcessorMixin,), {"__init__": lambda self: None})()
    processor.tokenizer = tokenizer
    assert Vocabulary.from_tokenizer(processor) == vocabulary


def test_logits_wider_and_narrower_than_the_tokenizer() -> None:
    backend = byte_level_bpe()
    full = Vocabulary.from_tokenizer(backend)
    wide = Vocabulary.from_tokenizer(backend, size=400)
    assert wide.size == 400
    assert wide.tokens == full.tokens
    narrow = Vocabulary.from_tokenizer(backend, size=300)
    assert narrow.size == 300
    assert narrow.tokens == full.tokens[:300]
    check_exact(narrow, backend)  # ids without a logit are not used


# --- SentencePiece-like, as tokenizers.Tokenizer --------------------------------------------------------------


def sentencepiece_like(model: str = "BPE", **options: Any) -> Any:
    tokenizers = pytest.importorskip("tokenizers")
    byte_pieces = [f"<0x{value:02X}>" for value in range(256)]
    pieces = ["<unk>", "</s>", *byte_pieces, "▁", "t", "h", "e", "th", "the", "▁the", "▁▁", "c", "a"]
    if model == "BPE":
        merges = [("t", "h"), ("th", "e"), ("▁", "the"), ("▁", "▁")]
        inner = tokenizers.models.BPE(
            vocab={piece: i for i, piece in enumerate(pieces)}, merges=merges, unk_token="<unk>", byte_fallback=True
        )
    else:
        inner = tokenizers.models.Unigram(
            [(piece, -float(i)) for i, piece in enumerate(pieces)], unk_id=0, byte_fallback=True
        )
    backend = tokenizers.Tokenizer(inner)
    replace = tokenizers.normalizers.Replace(" ", "▁")
    prepend = [tokenizers.normalizers.Prepend("▁")] if options.get("prefix", True) else []
    backend.normalizer = tokenizers.normalizers.Sequence([*prepend, replace])
    steps = [
        tokenizers.decoders.Replace("▁", " "),
        tokenizers.decoders.ByteFallback(),
        tokenizers.decoders.Fuse(),
        tokenizers.decoders.Strip(" ", 1, 0),
    ]
    backend.decoder = options.get("decoder", tokenizers.decoders.Sequence(steps))
    backend.add_special_tokens(["</s>"])
    backend.add_tokens(["<table>", "▁▁▁"])
    return backend


@pytest.mark.parametrize("model", ["BPE", "Unigram"])
@pytest.mark.parametrize("prefix", [True, False])
def test_space_marker_and_byte_fallback(model: str, prefix: bool) -> None:
    backend = sentencepiece_like(model, prefix=prefix)
    vocabulary = Vocabulary.from_tokenizer(backend)
    assert vocabulary.missing_bytes == frozenset()
    assert vocabulary.eos_token_ids == (1,)
    assert vocabulary.tokens[0] is None  # unknown
    assert vocabulary.tokens[backend.token_to_id("<0x0A>")] == b"\n"
    assert vocabulary.tokens[backend.token_to_id("▁the")] == b" the"
    assert vocabulary.tokens[backend.token_to_id("▁▁")] == b"  "
    assert vocabulary.tokens[backend.token_to_id("▁▁▁")] == b"   "
    assert vocabulary.tokens[backend.token_to_id("<table>")] == b"<table>"
    check_exact(vocabulary, backend)
    assert vocabulary.encoder(backend)("the") == [backend.token_to_id("the")]  # no dummy prefix


def test_the_first_token_keeps_its_space() -> None:
    backend = sentencepiece_like()
    ids = backend.encode("the").ids
    assert backend.decode(ids) == "the"
    assert Vocabulary.from_tokenizer(backend).token_bytes(ids) == b" the"


def test_metaspace_decoder() -> None:
    tokenizers = pytest.importorskip("tokenizers")
    backend = sentencepiece_like("Unigram", decoder=tokenizers.decoders.Metaspace())
    vocabulary = Vocabulary.from_tokenizer(backend)
    assert vocabulary.tokens[backend.token_to_id("▁the")] == b" the"
    assert vocabulary.tokens[backend.token_to_id("<0x41>")] == b"A"  # the model itself declares byte fallback


# --- SentencePiece --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def processor() -> Any:
    sentencepiece = pytest.importorskip("sentencepiece")
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(line.replace("\n", " ") for line in LINES),
        model_writer=model,
        vocab_size=330,
        model_type="bpe",
        byte_fallback=True,
        character_coverage=0.98,
        normalization_rule_name="identity",
        remove_extra_whitespaces=False,
        user_defined_symbols=["<tool>", "▁▁▁"],
        control_symbols=["<ctl>"],
        pad_id=3,
        minloglevel=2,
    )
    return sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())


def test_sentencepiece_processor(processor: Any) -> None:
    vocabulary = Vocabulary.from_tokenizer(processor)
    assert vocabulary.eos_token_ids == (processor.eos_id(),)
    assert vocabulary.missing_bytes == frozenset()
    for silent in (processor.unk_id(), processor.bos_id(), processor.pad_id(), processor.piece_to_id("<ctl>")):
        assert vocabulary.tokens[silent] is None
    assert vocabulary.tokens[processor.piece_to_id("<tool>")] == b"<tool>"
    assert vocabulary.tokens[processor.piece_to_id("▁▁▁")] == b"   "
    assert vocabulary.tokens[processor.piece_to_id("<0xFF>")] == b"\xff"
    check_exact(vocabulary, processor, [*TEXTS, "<tool>  x   y", "<ctl>"])
    assert vocabulary.tokens[vocabulary.encoder(processor)("the cat")[0]] in (b"the", b"th", b"t")


def test_no_end_declared_by_sentencepiece(processor: Any) -> None:
    silent = SimpleProcessor(processor)
    with pytest.raises(VocabularyError, match="nothing says which token ids end a text"):
        Vocabulary.from_tokenizer(silent)
    assert Vocabulary.from_tokenizer(silent, eos_token_ids=()).eos_token_ids == ()


class SimpleProcessor:
    """A SentencePiece processor as another build of the library might give it, without an EOS id."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def eos_id(self) -> int:
        return -1

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


SimpleProcessor.__module__ = "sentencepiece"


def test_slow_transformers_tokenizers_go_by_piece(processor: Any) -> None:
    """Ids shifted by one against the SentencePiece model, as in the fairseq family."""

    class Slow:
        sp_model = processor
        all_special_ids = (0, processor.eos_id() + 1)
        all_special_tokens = ("<s>", "</s>")
        eos_token_id = processor.eos_id() + 1

        def __init__(self) -> None:
            n = len(self)
            self.added_tokens_decoder = {
                n: SimpleNamespace(content="<new>", special=False),
                n + 1: SimpleNamespace(content="<|im|>", special=True),
            }

        def __len__(self) -> int:
            return int(processor.get_piece_size()) + 1

        def convert_ids_to_tokens(self, token: int) -> str:
            return "<s>" if token == 0 else str(processor.id_to_piece(token - 1))

    Slow.__module__ = "transformers.models.made_up"
    vocabulary = Vocabulary.from_tokenizer(Slow())
    direct = Vocabulary.from_tokenizer(processor)
    assert vocabulary.tokens[0] is None
    assert vocabulary.tokens[1:-2] == direct.tokens
    assert vocabulary.tokens[-2:] == (b"<new>", None)
    assert vocabulary.eos_token_ids == (direct.eos_token_ids[0] + 1,)


def test_slow_tokenizers_with_the_byte_table() -> None:
    class Slow:
        byte_decoder = MappingProxyType({})
        added_tokens_decoder = MappingProxyType({3: SimpleNamespace(content="<|endoftext|>", special=True)})
        all_special_ids = (3,)
        all_special_tokens = ("<|endoftext|>",)
        eos_token_id = 3

        def __len__(self) -> int:
            return 4

        def convert_ids_to_tokens(self, token: int) -> str | None:
            return ["Ġa", "ÃĠ", None][token]

    Slow.__module__ = "transformers.models.made_up"
    assert Vocabulary.from_tokenizer(Slow()).tokens == (b" a", b"\xc3 ", None, None)


# --- tiktoken and tekken --------------------------------------------------------------------------------------


def test_tiktoken_with_gaps_and_several_ends() -> None:
    tiktoken = pytest.importorskip("tiktoken")
    ranks = {bytes([value]): value for value in range(256)} | {b"th": 256, b"the": 260}
    encoding = tiktoken.Encoding(
        "small",
        pat_str=r"\w+|\W",
        mergeable_ranks=ranks,
        special_tokens={"<|im_end|>": 270, "<|endoftext|>": 265, "<|fim|>": 266},
    )
    vocabulary = Vocabulary.from_tokenizer(encoding)
    assert vocabulary.size == 271
    assert vocabulary.tokens[256] == b"th"
    assert vocabulary.tokens[257] is None  # a gap
    assert vocabulary.tokens[260] == b"the"
    assert vocabulary.tokens[266] is None
    assert vocabulary.eos_token_ids == (265, 270)
    check_exact(vocabulary, encoding, [*TEXTS, "<|endoftext|>the<|fim|>"])


def test_tiktoken_without_a_known_end_names_its_special_tokens() -> None:
    tiktoken = pytest.importorskip("tiktoken")
    ranks = {bytes([value]): value for value in range(256)}
    encoding = tiktoken.Encoding("x", pat_str=r".", mergeable_ranks=ranks, special_tokens={"<|halt|>": 256})
    with pytest.raises(VocabularyError, match=r"eos_token_ids=\(\).*the special tokens are <\|halt\|>"):
        Vocabulary.from_tokenizer(encoding)
    assert Vocabulary.from_tokenizer(encoding, eos_token_ids=256).eos_token_ids == (256,)


# --- refusals -------------------------------------------------------------------------------------------------


def test_tokenizers_whose_tokens_have_no_bytes_are_refused() -> None:
    tokenizers = pytest.importorskip("tokenizers")
    word_piece = tokenizers.Tokenizer(tokenizers.models.WordPiece({"a": 0, "##b": 1}, unk_token="a"))
    suffixed = tokenizers.Tokenizer(tokenizers.models.BPE({"a</w>": 0}, [], end_of_word_suffix="</w>"))
    word_level = tokenizers.Tokenizer(tokenizers.models.WordLevel({"a": 0}, unk_token="a"))
    cases = [(word_piece, "WordPiece"), (suffixed, "parts of words"), (word_level, "no decoder")]
    steps = tokenizers.decoders
    for decoder, reason in [
        (steps.CTC(), "the step CTC"),
        (steps.Sequence([steps.Strip("a", 1, 0), steps.Fuse()]), "the step Strip"),
        (steps.Replace(tokenizers.Regex("a+"), "b"), "the step Replace"),
        (steps.Replace("ab", "b"), "the step Replace"),
        (steps.Sequence([steps.ByteLevel(), steps.Replace("a", "b")]), "more than the byte table"),
        (steps.Decoder.custom(object()), "written in Python"),
    ]:
        cases.append((sentencepiece_like(decoder=decoder), reason))
    for tokenizer, reason in cases:
        with pytest.raises(VocabularyError, match=f"no exact bytes: .*{reason}") as caught:
            Vocabulary.from_tokenizer(tokenizer, eos_token_ids=())
        assert caught.value.hint is not None


@pytest.mark.parametrize("thing", ["gpt2", 3, None, object()])
def test_objects_that_are_no_tokenizers_are_refused(thing: Any) -> None:
    with pytest.raises(VocabularyError, match=f"object of type .*{type(thing).__name__}.*list of bytes"):
        Vocabulary.from_tokenizer(thing)


def test_generation_configs_in_all_their_forms() -> None:
    assert generation_ends(None) == []
    assert generation_ends({"eos_token_id": 3}) == [3]
    assert generation_ends(SimpleNamespace(eos_token_id=[3, 4])) == [3, 4]
    assert generation_ends(SimpleNamespace(eos_token_id=None)) == []


# --- real tokenizers ------------------------------------------------------------------------------------------

#: name: ids, tokens without text, first ids that end a text, bytes that are no token.
REAL = {
    "llama3": (128_256, 256, 128_001, 0),
    "o200k": (200_019, 21, 199_999, 0),
    "qwen": (151_851, 208, 151_643, 0),
    "tekken": (131_072, 1_000, 2, 0),
    "mistral": (32_768, 751, 2, 0),
    "smollm2": (49_152, 17, 2, 21),
    "gemma": (262_144, 6_249, 1, 0),
}


@pytest.mark.parametrize("name", sorted(REAL))
def test_real_tokenizers_are_exact(name: str) -> None:
    try:
        vocabulary, encode = vocabularies.load(name)
    except InputError as error:
        pytest.skip(str(error))
    size, silent, end, missing = REAL[name]
    assert vocabulary.size == size
    assert sum(text is None for text in vocabulary.tokens) == silent
    assert vocabulary.eos_token_ids[0] == end
    assert len(vocabulary.missing_bytes) == missing
    rng = random.Random(11)
    alphabet = ["a", "Zebra", " ", "  ", "\n", "\t", "7", "2024", "é", "日本", "😀", '"', "{", "}", ", ", "ﬁ", "▁"]
    texts = [*TEXTS, *("".join(rng.choices(alphabet, k=rng.randrange(40))) for _ in range(100))]
    texts += [chr(rng.randrange(0xE000, 0x110000)) + chr(rng.randrange(0xD800)) for _ in range(100)]
    checked = 0
    for text in texts:
        if not vocabulary.missing_bytes & set(text.encode()):
            assert vocabulary.token_bytes(encode(text)) == text.encode()
            checked += 1
    assert checked > 100
    # Nothing in this text calls for spelling: it comes out about as short as the tokenizer makes it.
    ids = encode('{"name": "the capital of France"}')
    assert len(ids) < 14


@pytest.mark.model
def test_the_embedded_model_through_transformers() -> None:
    try:
        direct, _ = vocabularies.load("smollm2")
    except InputError as error:
        pytest.skip(str(error))
    transformers = pytest.importorskip("transformers")
    import platformdirs

    folder = platformdirs.user_cache_path("structgen") / "models" / "smollm2-135m-instruct"
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    assert Vocabulary.from_tokenizer(tokenizer) == direct
    check_exact(direct, tokenizer)


def test_mistral_common_wrappers_are_looked_through() -> None:
    pytest.importorskip("mistral_common")
    pytest.importorskip("sentencepiece")
    from mistral_common.tokens.tokenizers.mistral import MistralTokenizer

    wrapper = MistralTokenizer.v3()
    inner = wrapper.instruct_tokenizer.tokenizer
    vocabulary = Vocabulary.from_tokenizer(wrapper)
    assert vocabulary == Vocabulary.from_tokenizer(inner) == Vocabulary.from_tokenizer(wrapper.instruct_tokenizer)
    assert vocabulary.eos_token_ids == (inner.eos_id,)
    check_exact(vocabulary, wrapper)


def test_reading_imports_no_library() -> None:
    import subprocess
    import sys

    code = (
        "import sys, structgen.masks as m; m.Vocabulary.from_tokenizer([b'a']);"
        "print([n for n in ('torch', 'transformers', 'tokenizers', 'tiktoken', 'sentencepiece', 'triton')"
        " if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
