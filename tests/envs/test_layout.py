"""The word of every token, for every task, in one window and in many."""

import numpy as np
import pytest

from lingym.envs import Tagging, build, load_corpus
from lingym.envs.layout import layout
from tests.envs.every_task import FORMS, every_task


@pytest.mark.parametrize("windows", [False, True], ids=["whole", "windows"])
@pytest.mark.parametrize("form", FORMS)
def test_tokens_spell_their_words(form: str, windows: bool) -> None:
    """The pieces of a word's tokens are the word, once for every place where it is read."""
    dataset = every_task(form, windows)
    episodes = dataset["test"]
    units = episodes.encoding.units
    name = units.tokenizer.id_to_token
    for row in range(len(episodes)):
        page = layout(episodes, row)
        batch = episodes.batch([row])
        ids = batch.input_ids[batch.attention_mask > 0]
        assert len(page.tokens) == len(ids)
        special = {*units.prefix, *units.suffix, *units.separator}
        assert set(ids[page.tokens < 0]) <= special
        for word, text in enumerate(page.words):
            found = np.flatnonzero(page.tokens == word)
            assert len(found), f"{text} has no token"
            pieces = [str(name(int(i))).removeprefix("##") for i in ids[found]]
            spelled = "".join(pieces)
            wanted = text.lower()
            if "[UNK]" in spelled:
                continue
            assert all(piece in wanted for piece in pieces)
            places = len(spelled) // len(wanted)
            # A whole text may be cut within a word, of which a window then has a part.
            assert spelled == wanted * places or windows
        assert [w for start, end in page.lines for w in range(start, end)] == [
            *range(len(page.words))
        ]


def test_words_are_read_once_however_often_they_stand_in_windows() -> None:
    page = layout(every_task("spanqa", windows=True)["test"], 0)
    question, context = page.lines
    asked = [word for word in page.words[slice(*question)]]
    assert " ".join(asked) == every_task("spanqa")["test"].examples[0].passages[0].before
    assert (page.groups[slice(*question)] == -1).all()
    places = np.arange(context[1] - context[0]) + 1
    assert (page.groups[slice(*context)] == places).all()


def test_markers_are_no_words_of_the_text() -> None:
    episodes = every_task("relation")["test"]
    for row in range(len(episodes)):
        page = layout(episodes, row)
        marks = [word for word, mark in zip(page.words, page.marks, strict=True) if mark]
        assert sorted(marks) == ["#", "#", "@", "@"]


def test_a_word_without_tokens_has_one() -> None:
    corpus = load_corpus("synthetic:commands?train=8&dev=2&test=2")
    dataset = build(Tagging(), corpus)
    from lingym.agents import Labeller
    from lingym.agents.supervised import Supervised
    from lingym.envs import LabelVectorEnv

    agent = Supervised("LabelPolicy", LabelVectorEnv(dataset=dataset), device="cpu")
    labeller = Labeller(agent.policy, "tagging", dataset.tokenizer, 64)
    records = labeller.records([["a", "\u200b", "<b>&", "b"]])
    page = layout(labeller.read(records, unlabelled=True), 0)
    assert page.words == ("a", "\u200b", "<b>&", "b")
    assert set(page.tokens) == {-1, 0, 1, 2, 3}
