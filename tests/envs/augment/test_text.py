"""Augmentations by hand: what each does to a text, and what it refuses."""

import logging

import numpy as np
import pytest

from lingym.envs import Classification, SpanQA, Tagging, build
from lingym.envs.augment import (
    PERTURBATIONS,
    BackTranslation,
    Mentions,
    Synonyms,
    Typos,
    UnseenEntities,
    augment,
    copies,
    from_spec,
    mentions_of,
    read_mentions,
)
from lingym.envs.augment.letters import KEYS, clusters, misspelled
from lingym.envs.augment.unseen import invented
from lingym.envs.corpora import Corpus, Record
from lingym.envs.tasks import Example
from lingym.types import DataError


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def tagged(*pairs: tuple[str, str]) -> Example:
    words, tags = zip(*pairs, strict=True)
    return Example(tuple(words), tuple(tags), Record({"tokens": words}, "made", (1,)))


def text(words: str, label: str = "good") -> Example:
    return Example((words,), (label,), Record({"text": words}, "made", (1,)))


PARIS = tagged(
    *(("Anna", "B-PER"), ("flew", "O"), ("to", "O"), ("New", "B-LOC"), ("York", "I-LOC")),
    *(("and", "O"), ("Rome", "B-LOC"), (".", "O")),
)
POOL = {"LOC": [("Oslo",), ("Rio", "de", "Janeiro")], "PER": [("Anna",)]}


def test_keys_beside_each_other():
    assert set(KEYS["g"]) == set("fhtyvb")
    assert set(KEYS["q"]) == set("wa")
    assert all(key in KEYS[near] for key, beside in KEYS.items() for near in beside)


@pytest.mark.parametrize(
    ("word", "parts"),
    [
        ("cafe\u0301s", ["c", "a", "f", "e\u0301", "s"]),
        ("👩\u200d🚀ok", ["👩\u200d🚀", "o", "k"]),
        ("👍🏽", ["👍🏽"]),
        ("🇩🇪🇫🇷", ["🇩🇪", "🇫🇷"]),
        ("北京", ["北", "京"]),
        ("❤\ufe0f!", ["❤\ufe0f", "!"]),
    ],
)
def test_clusters(word, parts):
    assert clusters(word) == parts


@pytest.mark.parametrize(
    ("kind", "lengths"), [("swap", {4}), ("delete", {3}), ("insert", {5}), ("neighbour", {4})]
)
def test_each_typo(kind, lengths):
    seen = {misspelled("Word", (kind,), rng(seed)) for seed in range(50)}
    assert "Word" not in seen
    assert {len(word) for word in seen} == lengths
    if kind == "swap":
        assert seen == {"oWrd", "Wrod", "Wodr"}
    if kind == "delete":
        assert seen == {"ord", "Wrd", "Wod", "Wor"}


@pytest.mark.parametrize("word", ["!", "👩\u200d🚀", "...", "\u0301"])
def test_signs_have_no_typos(word):
    assert misspelled(word, ("swap", "delete", "insert", "neighbour"), rng()) == word


def test_mentions_bring_tags_for_their_own_length():
    changed = Mentions(1.0, pool=POOL)(PARIS, rng(1))
    assert " ".join(changed.units) in {
        f"Anna flew to {one} and {other} ."
        for one in ("Oslo", "Rio de Janeiro")
        for other in ("Oslo", "Rio de Janeiro")
    }
    where = list(changed.units).index("to") + 1
    if changed.units[where] == "Rio":
        assert changed.gold[where : where + 3] == ("B-LOC", "I-LOC", "I-LOC")
    assert PARIS.units[3] == "New"


def test_bare_tags_stay_bare():
    short = tagged(("in", "O"), ("New", "B"), ("York", "I"))
    changed = Mentions(1.0, pool={"": [("Rio", "de", "Janeiro")]})(short, rng())
    assert changed.gold == ("O", "B", "I", "I")


def test_mentions_of_the_training_texts():
    found = mentions_of([PARIS, PARIS])
    assert found == {"LOC": [("New", "York"), ("Rome",)], "PER": [("Anna",)]}
    fitted = Mentions(1.0).fitted([PARIS])
    assert fitted(PARIS, rng()).units[0] == "Anna"  # there is no other person
    with pytest.raises(ValueError, match="fit it to training texts"):
        Mentions(1.0)(PARIS, rng())


def test_recombined_mentions_are_new_and_of_like_length():
    places = [("New", "York"), ("San", "Jose"), ("Los", "Angeles")]
    unseen = UnseenEntities(1.0, seen={"LOC": places, "PER": [("Anna",)]})
    found = {unseen.other(("New", "York"), "LOC", rng(seed)) for seed in range(60)}
    assert found == {(a[0], b[1]) for a in places for b in places if a != b}


def test_invented_names_keep_their_shape():
    made = invented("McDonald-7é", rng(3))
    assert made != "McDonald-7é"
    assert [c.isupper() for c in made] == [c.isupper() for c in "McDonald-7é"]
    assert [c in "aeiouy" for c in made] == [c in "aeiouy" for c in "McDonald-7é"]
    assert made.endswith("é") and made[8] == "-" and made[9].isdigit()


def test_unseen_from_a_table_leaves_out_what_was_seen(tmp_path):
    table = tmp_path / "names.tsv"
    table.write_text("# places\nLOC\tRome\nLOC\tSão Tomé\n\nPER\tEve\n", encoding="utf-8")
    assert read_mentions(table) == {"LOC": [("Rome",), ("São", "Tomé")], "PER": [("Eve",)]}
    unseen = UnseenEntities(1.0, str(table)).fitted([PARIS])
    changed = unseen(PARIS, rng())
    assert changed.units == ("Eve", "flew", "to", "São", "Tomé", "and", "São", "Tomé", ".")


def test_tables_say_what_is_wrong(tmp_path):
    table = tmp_path / "bad.tsv"
    table.write_text("big\tlarge\nsmall\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"bad\.tsv:2: wanted WORD<TAB>SYNONYM"):
        Synonyms(0.5, str(table))
    table.write_text("\n", encoding="utf-8")
    with pytest.raises(DataError, match="it has none"):
        read_mentions(table)


@pytest.fixture
def lexicon(tmp_path):
    table = tmp_path / "lex.tsv"
    table.write_text("big\tlarge\nfast\tat full speed\nnew\tfresh\n", encoding="utf-8")
    return str(table)


def test_synonyms_keep_case_punctuation_and_tags(lexicon):
    synonyms = Synonyms(1.0, lexicon)
    assert synonyms(text("Big, BIG (fast)!"), rng()).units == ("Large, LARGE (at full speed)!",)
    changed = synonyms(tagged(("New", "B-LOC"), ("York", "I-LOC"), ("fast", "O")), rng())
    assert changed.units == ("New", "York", "at", "full", "speed")
    assert changed.gold == ("B-LOC", "I-LOC", "O", "O", "O")
    speech = tagged(("big", "ADJ"), ("news", "NOUN"))
    assert synonyms(speech, rng()) is speech


def test_wordnet_that_is_not_there_says_how_to_get_it(monkeypatch, tmp_path):
    import nltk

    monkeypatch.setattr(nltk.data, "path", [str(tmp_path)])
    from nltk.corpus import wordnet

    if "_LazyCorpusLoader__args" not in vars(wordnet):
        pytest.skip("WordNet is loaded already")
    with pytest.raises(ValueError, match=r"python -m nltk\.downloader wordnet"):
        Synonyms(0.5, "wordnet")


def test_answers_move_with_the_context():
    fields = {
        "question": "Where was she born?",
        "context": "She said  she was really born in Rome, not Paris.",
        "answers": [{"text": "in Rome", "start": 30}, {"text": "Rome", "start": 33}],
    }
    example = SpanQA().example(Record(fields, "made", (1,)))
    for seed in range(30):
        changed = PERTURBATIONS["deleted_words"](example, 0.6, rng(seed))
        context = changed.record.fields["context"]
        answers = changed.record.fields["answers"]
        assert [context[a["start"] :][: len(a["text"])] for a in answers] == ["in Rome", "Rome"]
        first, last = changed.gold
        assert changed.candidates[first : last + 1] == ("in", "Rome")
    assert fields["answers"][0]["start"] == 30


def test_a_text_keeps_its_outer_blanks_and_one_word():
    changed = PERTURBATIONS["deleted_words"](text("  one two\nthree "), 1.0, rng())
    assert changed.units[0] in ("  one ", "  two ", "  three ")
    assert PERTURBATIONS["deleted_words"](PARIS, 1.0, rng()).units == (
        "Anna",
        "New",
        "York",
        "Rome",
    )


def test_swapped_words_leave_entities_alone():
    changed = PERTURBATIONS["swapped_words"](PARIS, 1.0, rng())
    assert changed.units == ("Anna", "to", "flew", "New", "York", "and", "Rome", ".")


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ("typo(0.1)", "unknown augmentation 'typo': known are typos"),
        ("typos", r"typos needs rate, such as typos\(0.1\)"),
        ("typos(1.5)", "rate must be a number from 0 to 1, got 1.5"),
        ("typos(True)", "rate must be a number from 0 to 1, got True"),
        ("typos(0.1, kind='swap')", "typos has no setting 'kind'"),
        ("typos(0.1, rate=0.2)", "given rate twice"),
        ("typos(0.1, ('swop',))", "kinds must be some of swap"),
        ("casing(0.1, to='small')", "to must be one of lower"),
        ("typos(__import__('os'))", "not a plain value"),
        ("2*typos(0.1)", "there is one part"),
        ("-1*typos(0.1) + casing(0.1)", "wanted > 0"),
        ("0*typos(0.1) + casing(0.1)", "wanted > 0"),
        ("typos(0.1) & casing(0.1)", "no augmentation"),
        ("typos(0.1", "is not an expression"),
        ("long " * 2000, r"long \.\.\.' is nested too deeply, or too long"),
        ("mentions(0.1, pool={})", "has no setting 'pool'"),
        ("synonyms(0.1)", "synonyms needs lexicon"),
        ("synonyms(0.1, '/no/such.tsv')", r"/no/such.tsv: cannot be read \(No such file"),
        ("backtranslation(0.1, '/no/such', '/no/such')", "no sequence-to-sequence model"),
    ],
)
def test_texts_that_are_no_augmentation(spec, told):
    with pytest.raises(ValueError, match=told):
        from_spec(spec)


def test_mix_draws_by_weight_and_chain_does_all():
    mix = from_spec("3*casing(1.0, to='upper') + casing(1.0, to='title')")
    seen = [mix(text("one two"), rng(seed)).units[0] for seed in range(400)]
    assert set(seen) == {"ONE TWO", "One Two"}
    assert 0.68 < seen.count("ONE TWO") / 400 < 0.82
    chain = from_spec("casing(1.0, to='upper') | deleted_words(1.0)")
    assert chain(text("one two"), rng()).units[0] in ("ONE", "TWO")


@pytest.mark.parametrize(
    ("spec", "task", "told"),
    [
        ("mentions(0.5)", "classification", "no entity tags"),
        ("typos(0.1) | mentions(0.5)", "spanqa", "no entity tags"),
        ("synonyms(0.5, {lexicon!r})", "summary", "share words with the summary"),
        ("backtranslation(0.5, {model!r}, {model!r})", "tagging", "a translation moves or loses"),
        ("typos(0.1)", "multitask", "cannot be augmented as a whole"),
    ],
)
def test_refused_for_a_task(spec, task, told, lexicon, monkeypatch):
    monkeypatch.setattr("lingym.envs.augment.translate.translator", lambda *_: lambda text: [text])
    with pytest.raises(ValueError, match=told):
        from_spec(spec.format(lexicon=lexicon, model="m")).check(task)


def test_back_translation_draws_a_beam():
    there = {"a fine day": ["ein schöner Tag", "unused"]}
    back = {"ein schöner Tag": ["a nice day", "a beautiful day", " "]}
    through = BackTranslation(1.0, lambda t: there.get(t, []), lambda t: back[t])
    seen = {through(text("a fine day"), rng(seed)).units[0] for seed in range(40)}
    assert seen == {"a nice day", "a beautiful day"}
    other = text("not translatable")
    assert through(other, rng()) is other


def test_copies_do_not_depend_on_order_or_company():
    texts = [text(f"the number {n} is large", "odd" if n % 2 else "even") for n in range(30)]
    made = copies(texts, "typos(0.4)", seed=3, task=Classification())
    again = copies(texts[::-1], "typos(0.4)", seed=3, task=Classification())
    assert made.examples == again.examples[::-1] and len(made.examples) == 30
    assert copies(texts[4:5], "typos(0.4)", seed=3).examples == made.examples[4:5]
    assert copies(texts, "typos(0.4)", seed=4).examples != made.examples
    twins = copies([texts[0], texts[0]], "typos(0.4)", seed=3).examples
    assert twins[0] != twins[1]  # a repeated text does not get the same copy


def test_share_and_texts_that_cannot_change(caplog):
    texts = [text(f"word {n}") for n in range(400)]
    assert len(copies(texts, "typos(1.0)", share=2).examples) == 800
    assert 160 < len(copies(texts, "typos(1.0)", share=0.5).examples) < 240
    assert copies(texts, "typos(1.0)", share=0).examples == []
    made = copies([*texts[:3], text("?!")], "typos(1.0)")
    assert (len(made.examples), made.unchanged) == (3, 1)
    with caplog.at_level(logging.INFO, "lingym"):
        assert len(augment([text("one"), text("!")], "typos(1.0)")) == 3
    assert "1 changed copies beside 2 training texts; 1 texts could not be changed" in caplog.text
    with pytest.raises(ValueError, match="share must be 0 or more"):
        copies(texts, "typos(1.0)", share=-1)


def record(words: str, tags: str, line: int) -> Record:
    return Record({"tokens": words.split(), "labels": tags.split()}, "made", (line,))


def test_a_data_set_is_augmented_in_its_training_split_alone():
    rows = (
        record("fly to Rome", "O O B-LOC", 1),
        record("see New York", "O B-LOC I-LOC", 2),
    )
    data = build(Tagging(), Corpus(rows, rows[:1], rows[1:], {}))
    more = augment(data, "mentions(1.0)", seed=1)
    assert len(data["train"]) == 2 and len(more["train"]) == 4
    assert more["dev"] is data["dev"] and more["test"] is data["test"]
    assert more.space is data.space and more.tokenizer is data.tokenizer
    new = more["train"].examples[2]
    assert (new.units, new.gold) == (("fly", "to", "New", "York"), ("O", "O", "B-LOC", "I-LOC"))
    gold = more["train"].gold_of(np.arange(4), 4)
    assert gold[2].tolist() == [data.space.places[tag] for tag in new.gold]


def test_typos_do_not_touch_global_random_state():
    np.random.seed(0)  # noqa: NPY002
    before = np.random.get_state()[1].tolist()  # noqa: NPY002
    Typos(1.0)(text("one two three"), rng())
    assert np.random.get_state()[1].tolist() == before  # noqa: NPY002
