"""Labels never shift against words: every unit is given its own tokens, whatever the tokenizer.

The tokenizers are trained here, one of every family. Two oracles know nothing of windows and pools:
the tokens of each word alone, with its characters; and an encoder that says of each token nothing
but its place, so that a pooled vector names the tokens that went into it, and their weights.
6 examples a family and test, or as many as LINGYM_FUZZ says.
"""

import os
from collections.abc import Callable
from functools import cache
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers
from torch import Tensor, nn

from lingym.envs import Classification, Example, Passage, Tagging, encode
from lingym.envs.corpora.record import Record
from lingym.envs.tokenizer import UnitTokenizer, train_tokenizer
from lingym.policies.encoder_tuning import Tuning
from lingym.policies.network import LabelNetwork
from lingym.policies.texts import Pooling, Texts
from lingym.policies.work import Work
from lingym.types import LabelSpace

EXAMPLES = int(os.environ.get("LINGYM_FUZZ") or 6)
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
TEXTS = [
    "the cats sat on the mats, weren't they?",
    "Éa naïve coöperation 12 345",
    "abc abd xyz " * 3,
]
HOSTILE = [
    *(
        "\u200b",
        "\u00ad",
        "\u0301",
        "\ufeff",
        "\x00",
        "\x07",
        "\u202e",
        "\u2066",
        "\u200d",
        "\ufe0f",
    ),
    *(" ", "\t", "a b", " a", "a ", "a\u00a0b", "\u3000", "a\u2009b", "\u2028", "\n", "a\r\nb"),
    *(
        "👩\u200d👩\u200d👧",
        "🏳️\u200d🌈",
        "e\u0301\u0323",
        "İ",
        "ß",
        "ﬁn",
        "ﷺ",
        "①",
        "\U0001d518",
        "\U0010ffff",
    ),
    *("\ufffd", "\ue000", "\ud7ff", "שָׁלוֹם", "العربية", "日本語", "ก็", "한국", "\u1100\u1161"),
    *(*SPECIAL, "a[SEP]b", "[sep]", "<s>", "</s>", "<0x41>", "▁", "▁a", "Ġ", "Ġa", "##a", "a##b"),
    *("the", "cats", "weren't", "a" * 150, "ab" * 60, "the" * 40, "..", "Éa"),
]
words = st.one_of(
    st.sampled_from(HOSTILE),
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=6),
    st.lists(st.sampled_from(HOSTILE), min_size=2, max_size=3).map("".join),
)


def learned(model: Any, trainer: Any, pre: Any, normalizer: Any = None) -> Tokenizer:
    tokenizer = Tokenizer(model)
    tokenizer.pre_tokenizer = pre
    if normalizer is not None:
        tokenizer.normalizer = normalizer
    tokenizer.train_from_iterator(TEXTS, trainer)
    return tokenizer


def bpe(**given: Any) -> tuple[Any, Any]:
    given.setdefault("unk_token", "[UNK]")
    alphabet = pre_tokenizers.ByteLevel.alphabet() if given.pop("bytes", False) else []
    trainer = trainers.BpeTrainer(
        vocab_size=400, special_tokens=SPECIAL, show_progress=False, initial_alphabet=alphabet
    )
    return models.BPE(**given), trainer


def byte_level(spaced: bool) -> Tokenizer:
    pre = pre_tokenizers.ByteLevel(add_prefix_space=spaced)
    return learned(*bpe(bytes=True, unk_token=None), pre)


def byte_fallback() -> Tokenizer:
    """As Llama's: no pre-tokenizer, blanks as letters, and bytes for what is unknown."""
    made = learned(*bpe(), pre_tokenizers.Metaspace())
    vocab = made.get_vocab()
    for byte in range(256):
        vocab.setdefault(f"<0x{byte:02X}>", len(vocab))
    tokenizer = Tokenizer(models.BPE(vocab, [], unk_token="[UNK]", byte_fallback=True))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]
    )
    tokenizer.add_special_tokens(SPECIAL)
    return tokenizer


def unigram(scheme: str) -> Tokenizer:
    trainer = trainers.UnigramTrainer(
        vocab_size=200, special_tokens=SPECIAL, unk_token="[UNK]", show_progress=False
    )
    pre = pre_tokenizers.Metaspace(prepend_scheme=scheme)
    cleaned = normalizers.Sequence([normalizers.Nmt(), normalizers.NFKC()])
    return learned(models.Unigram(), trainer, pre, cleaned)


def word_level() -> Tokenizer:
    trainer = trainers.WordLevelTrainer(special_tokens=SPECIAL, show_progress=False)
    bare = normalizers.Sequence(
        [normalizers.NFD(), normalizers.StripAccents(), normalizers.Replace(Regex(r"\p{C}"), "")]
    )
    model = models.WordLevel(unk_token="[UNK]")  # type: ignore[call-arg]  # the stub has it wrong
    return learned(model, trainer, pre_tokenizers.Whitespace(), bare)


FAMILIES: dict[str, Callable[[], Tokenizer]] = {
    "wordpiece": lambda: train_tokenizer(TEXTS, 300),
    "bpe": lambda: learned(
        *bpe(), pre_tokenizers.BertPreTokenizer(), normalizers.BertNormalizer(lowercase=True)
    ),
    "bpe, no unknown": lambda: learned(*bpe(unk_token=None), pre_tokenizers.WhitespaceSplit()),
    "byte fallback": byte_fallback,
    "unigram": lambda: unigram("always"),
    "unigram, first": lambda: unigram("first"),
    "unigram, never": lambda: unigram("never"),
    "byte-level": lambda: byte_level(False),
    "byte-level, spaced": lambda: byte_level(True),
    "word level": word_level,
    "characters": lambda: learned(
        *bpe(), pre_tokenizers.Split(Regex("."), "isolated"), normalizers.NFKC()
    ),
}


class Family(NamedTuple):
    """A tokenizer as the environment uses it, and the one that the oracle asks."""

    units: UnitTokenizer
    oracle: Tokenizer
    unknown: int


@cache
def family(name: str) -> Family:
    tokenizer = FAMILIES[name]()
    oracle = Tokenizer.from_str(tokenizer.to_str())
    if name.startswith("byte-level"):
        oracle.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    if name.startswith("unigram"):
        oracle.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    units = UnitTokenizer(tokenizer)
    unknown = tokenizer.token_to_id("[UNK]")
    silent = name in ("bpe, no unknown", "byte-level", "byte-level, spaced")
    return Family(units, oracle, units.pad if silent or unknown is None else unknown)


def own_tokens(asked: Family, word: str) -> list[int]:
    """The tokens of a word that stands alone; the unknown one where it has none."""
    return asked.oracle.encode(word, add_special_tokens=False).ids or [asked.unknown]


class Places(nn.Module):
    """An encoder that says of each token its place in the batch, one-hot."""

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> SimpleNamespace:
        hidden = torch.eye(input_ids.numel()).view(*input_ids.shape, -1)
        return SimpleNamespace(last_hidden_state=hidden)


class Probe(LabelNetwork):
    """The policy's way from texts to pooled features, on the encoder above."""

    def __init__(self, pooling: Pooling) -> None:
        super().__init__()
        self.encoder, self.tuning, self.work = Places(), Tuning(), Work()
        self.pooling, self.text_feature, self.autocast = pooling, False, False
        self.device = torch.device("cpu")


def check_pooled(batch: Any, pooling: Pooling, groups: int, wanted: list[list[list[int]]]) -> None:
    """Every group's vector is the mean of its own tokens, one window after the other.

    Args:
        batch: of one text or of several.
        pooling: of the tokens.
        groups: the most that a text has.
        wanted: the ids of each group of each text, in order.
    """
    texts = Texts.of_batch(batch, pooling, torch.device("cpu"), groups)
    pooled = Probe(pooling).encode(texts).numpy()
    flat = batch.input_ids.reshape(-1)
    window = np.repeat(np.arange(len(batch.input_ids)), batch.input_ids.shape[1])
    for row, own in enumerate(wanted):
        for group in range(groups):
            places = np.flatnonzero(pooled[row, group])
            if group >= len(own):
                assert not len(places)
                continue
            assert len(places)
            np.testing.assert_allclose(pooled[row, group, places], 1 / len(places), rtol=1e-6)
            assert (batch.episode_of_window[window[places]] == row).all()
            if pooling == "mean":
                assert flat[places].tolist() == own[group]
            else:  # the first of each window that has some
                assert flat[places[0]] == own[group][0]
                assert len(places) == len(set(window[places]))


def example(units: list[str], passages: tuple[Passage, ...] = (), candidates: Any = ()) -> Example:
    return Example(tuple(units), None, Record({}, "test", (1,)), passages, candidates)


def each_family(test: Callable[..., None]) -> Callable[..., None]:
    """The test on every family, with its number of texts."""
    quiet = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
    test = settings(
        max_examples=EXAMPLES, deadline=None, derandomize=True, suppress_health_check=quiet
    )(test)
    return pytest.mark.parametrize("name", FAMILIES)(test)


some_texts = st.lists(st.lists(words, min_size=1, max_size=10), min_size=1, max_size=3)


@each_family
@given(texts=some_texts, size=st.integers(4, 24), pooling=st.sampled_from(["first", "mean"]))
def test_every_unit_has_exactly_its_own_tokens(
    name: str, texts: list[list[str]], size: int, pooling: Pooling
) -> None:
    asked = family(name)
    alone = [[own_tokens(asked, word) for word in text] for text in texts]
    for text, pieces, wanted in zip(texts, asked.units(texts), alone, strict=True):
        assert pieces.ids == [token for own in wanted for token in own]
        assert pieces.units == [unit for unit, own in enumerate(wanted) for _ in own]
        spans = asked.units.spans(text)
        assert len(spans) == len(pieces.ids)
        for (start, end), unit in zip(spans, pieces.units, strict=True):
            assert 0 <= start <= end <= len(text[unit])  # of its own word, not of a neighbour
    episodes = encode(
        Tagging(), [example(text) for text in texts], LabelSpace(("O",)), asked.units, size
    )
    batch = episodes.batch(np.arange(len(texts)))
    check_pooled(batch, pooling, max(map(len, texts)), alone)


@each_family
@given(texts=some_texts, size=st.integers(6, 24), pooling=st.sampled_from(["first", "mean"]))
def test_every_candidate_has_exactly_its_own_tokens(
    name: str, texts: list[list[str]], size: int, pooling: Pooling
) -> None:
    """Candidates stand among words that are nobody's."""
    asked = family(name)
    examples, wanted = [], []
    for text in texts:
        groups = tuple(place // 2 if place % 2 == 0 else -1 for place in range(len(text)))
        examples.append(example(["answer"], (Passage(tuple(text), groups),), tuple(text[::2])))
        wanted.append([own_tokens(asked, word) for word in text[::2]])
    space = LabelSpace((), form="candidates", roles=("answer",))
    batch = encode(Tagging(), examples, space, asked.units, size).batch(np.arange(len(texts)))
    check_pooled(batch, pooling, max(map(len, wanted)), wanted)


@each_family
@given(texts=st.lists(words, min_size=1, max_size=4), size=st.integers(4, 24))
def test_a_text_has_all_its_tokens(name: str, texts: list[str], size: int) -> None:
    """In every window its special tokens; of its own all, shared ones once a window."""
    asked = family(name)
    tokenizer = asked.units.tokenizer
    space = LabelSpace(("O",), of_text=True)
    task = Classification()
    episodes = encode(task, [example([text]) for text in texts], space, asked.units, size)
    for row, text in enumerate(texts):
        ids = tokenizer.encode(text, add_special_tokens=False).ids or [asked.unknown]
        batch = episodes.batch(np.array([row]))
        inner = size - len(asked.units.prefix) - len(asked.units.suffix)
        read: list[int] = []
        for window, mask in zip(batch.input_ids, batch.attention_mask, strict=True):
            end = int(mask.sum()) - len(asked.units.suffix)
            own = window[len(asked.units.prefix) : end].tolist()
            start = max(0, len(read) - (inner // 4 if read else 0))
            assert read[start:] == own[: len(read) - start]
            read = read[:start] + own
        assert read == ids
        every = [batch.input_ids[batch.attention_mask > 0].tolist()]
        check_pooled(batch, "mean", 1, [every])


@pytest.mark.parametrize("name", [name for name in FAMILIES if name.startswith("unigram")])
def test_a_word_without_tokens_is_unknown_to_unigram_too(name: str) -> None:
    """Its model knows the unknown token by id alone; padding stood there instead."""
    asked = family(name)
    (pieces,) = asked.units([["the", "\x07", "cats"]])
    own = [pieces.ids[place] for place, unit in enumerate(pieces.units) if unit == 1]
    assert own == [asked.units.tokenizer.token_to_id("[UNK]")]
    assert own != [asked.units.pad]


def test_the_oracle_sees_a_shift() -> None:
    """Of one token, and of a pooled vector that has a neighbour's."""
    asked = family("wordpiece")
    text = ["the", "cats", "weren't"]
    wanted = [own_tokens(asked, word) for word in text]
    batch = encode(Tagging(), [example(text)], LabelSpace(("O",)), asked.units, 24).batch([0])
    check_pooled(batch, "mean", 3, [wanted])
    shifted = batch.unit_of_token.copy()
    shifted[0, 2:] = batch.unit_of_token[0, 1:-1]
    object.__setattr__(batch, "unit_of_token", shifted)
    with pytest.raises(AssertionError):
        check_pooled(batch, "mean", 3, [wanted])
