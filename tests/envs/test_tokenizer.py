"""Tokens of units: each word has the tokens it has alone, whatever the tokenizer."""

from collections.abc import Callable
from pathlib import Path

import pytest
from tokenizers import Tokenizer, models, pre_tokenizers, processors, trainers

from lingym.envs import Tagging, build, load_corpus
from lingym.envs.tokenizer import UnitTokenizer, load_tokenizer, train_tokenizer

TEXTS = [
    "the cat sat on the mat",
    "a dog ran to the park , fast",
    "Anna Lee flew from Paris to New York on Monday",
    "play some music by the band",
] * 4
WORDS = ["the", "Anna", "parks", ",", "zq", "don't", "über", "Paris", "...", "the", "mat"]
INVISIBLE = ["\u200b", "\u00ad"]
SPECIAL = ["<s>", "</s>", "<pad>", "<unk>"]


def wordpiece() -> Tokenizer:
    return train_tokenizer(TEXTS, 200)


def byte_level(prefix_space: bool, nested: bool = False) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    splitter = pre_tokenizers.ByteLevel(add_prefix_space=prefix_space)
    digits = pre_tokenizers.Digits()
    nest = pre_tokenizers.Sequence([digits, splitter]) if nested else splitter
    tokenizer.pre_tokenizer = nest
    letters = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=320, special_tokens=SPECIAL, initial_alphabet=letters, show_progress=False
    )
    tokenizer.train_from_iterator(TEXTS, trainer)
    tokenizer.post_processor = processors.RobertaProcessing(
        ("</s>", 1), ("<s>", 0), add_prefix_space=prefix_space
    )
    return tokenizer


def unigram(scheme: str) -> Tokenizer:
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme=scheme)
    trainer = trainers.UnigramTrainer(
        vocab_size=90, special_tokens=SPECIAL, unk_token="<unk>", show_progress=False
    )
    tokenizer.train_from_iterator(TEXTS, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="$A </s>", special_tokens=[("</s>", 1)]
    )
    return tokenizer


KINDS: dict[str, Callable[[], Tokenizer]] = {
    "wordpiece": wordpiece,
    "byte-level": lambda: byte_level(False),
    "byte-level, prefix space": lambda: byte_level(True),
    "byte-level in a sequence": lambda: byte_level(False, nested=True),
    "unigram, always": lambda: unigram("always"),
    "unigram, first": lambda: unigram("first"),
    "unigram, never": lambda: unigram("never"),
}


@pytest.fixture(scope="module", params=KINDS)
def kind(request: pytest.FixtureRequest) -> tuple[str, Tokenizer]:
    return request.param, KINDS[request.param]()


def test_a_word_has_the_tokens_it_has_alone(kind: tuple[str, Tokenizer]) -> None:
    units = UnitTokenizer(kind[1])
    words = WORDS + INVISIBLE
    both = units([words, words[::-1]])
    alone = [pieces.ids for pieces in units([[word] for word in words])]
    assert all(alone)
    for pieces, wanted in zip(both, (alone, alone[::-1]), strict=True):
        assert pieces.ids == [token for ids in wanted for token in ids]
        assert pieces.units == [unit for unit, ids in enumerate(wanted) for _ in ids]


def test_words_of_a_text_have_the_tokens_of_the_text(kind: tuple[str, Tokenizer]) -> None:
    """Inside a text, where a blank stands before them; so they know whole words, not parts."""
    tokenizer = kind[1]
    words = ["the", "Anna", "parks", "mat"]
    text = tokenizer.encode(", " + " ".join(words), add_special_tokens=False).ids
    inside = text[len(tokenizer.encode(",", add_special_tokens=False).ids) :]
    assert UnitTokenizer(tokenizer)([words])[0].ids == inside


def test_a_word_without_tokens_has_the_unknown_one() -> None:
    tokenizer = wordpiece()
    [pieces] = UnitTokenizer(tokenizer)([["\u200b", "cat", "\u00ad", "\u00ad"]])
    unknown, cat = tokenizer.token_to_id("[UNK]"), tokenizer.token_to_id("cat")
    assert pieces.ids == [unknown, cat, unknown, unknown]
    assert pieces.units == [0, 1, 2, 3]
    [text] = UnitTokenizer(tokenizer).whole(["\u200b"])
    assert (text.ids, text.units) == ([unknown], [0])


def test_special_tokens(kind: tuple[str, Tokenizer]) -> None:
    name, tokenizer = kind
    units = UnitTokenizer(tokenizer)
    known = {"byte": ([0], [1]), "unig": ([], [1]), "word": ([2], [3])}
    assert (units.prefix, units.suffix) == known[name[:4]]
    assert units.pad == (0 if name == "wordpiece" else 2)


def test_a_whole_text_is_tokenized_as_it_stands(kind: tuple[str, Tokenizer]) -> None:
    texts = ["Anna  flew, fast", "the"]
    for text, pieces in zip(texts, UnitTokenizer(kind[1]).whole(texts), strict=True):
        assert pieces.ids == kind[1].encode(text, add_special_tokens=False).ids
        assert pieces.units == [0] * len(pieces.ids)


@pytest.mark.parametrize("as_file", [True, False])
def test_stored_padding_and_truncation_are_off(tmp_path: Path, as_file: bool) -> None:
    plain = wordpiece()
    stored = Tokenizer.from_str(plain.to_str())
    stored.enable_truncation(4)
    stored.enable_padding(length=30, pad_id=plain.token_to_id("[MASK]"), pad_token="[MASK]")
    if as_file:
        stored.save(str(tmp_path / "tokenizer.json"))
        loaded = load_tokenizer(str(tmp_path))
        assert len(loaded.encode(TEXTS[2]).ids) > 4
    else:
        loaded = stored
    units, wanted = UnitTokenizer(loaded), UnitTokenizer(plain)
    words = TEXTS[2].split()
    assert units([words, ["a"]]) == wanted([words, ["a"]])
    assert units.whole([TEXTS[2]]) == wanted.whole([TEXTS[2]])
    assert (units.prefix, units.suffix) == (wanted.prefix, wanted.suffix)
    assert (stored.truncation is None, stored.padding is None) == (False, False)


def test_tiny_is_the_same_every_time() -> None:
    assert len({train_tokenizer(TEXTS, size % 2 * 20 + 80).to_str() for size in range(12)}) == 2
    assert len({train_tokenizer(iter(TEXTS)).to_str() for _ in range(6)}) == 1


def test_tiny_is_a_tokenizer_of_berts_form() -> None:
    tokenizer = wordpiece()
    assert tokenizer.encode("The CAT").tokens == ["[CLS]", "the", "cat", "[SEP]"]
    pair = tokenizer.encode("the", "cat")
    assert pair.tokens == ["[CLS]", "the", "[SEP]", "cat", "[SEP]"]
    assert pair.type_ids == [0, 0, 0, 1, 1]
    assert tokenizer.encode("%", add_special_tokens=False).tokens == ["[UNK]"]
    assert tokenizer.encode("a##t", add_special_tokens=False).tokens[1] == "[UNK]"
    assert [tokenizer.id_to_token(place) for place in range(5)] == [
        "[PAD]",
        "[UNK]",
        "[CLS]",
        "[SEP]",
        "[MASK]",
    ]
    known = tokenizer.get_added_tokens_decoder()
    assert sorted(token.content for token in known.values()) == sorted(
        ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    )


def test_a_word_of_blanks_keeps_its_label(tmp_path: Path) -> None:
    """Text of the world: a zero-width space is a row of a CoNLL file like any other."""
    path = tmp_path / "odd.conll"
    path.write_text("Anna\tB-PER\n\u200b\tO\nran\tO\n", encoding="utf-8")
    episodes = build(Tagging(), load_corpus(train=path))["train"]
    batch = episodes.batch([0])
    assert batch.lengths.tolist() == [3]
    assert set(batch.unit_of_token.flat) == {-1, 0, 1, 2}
