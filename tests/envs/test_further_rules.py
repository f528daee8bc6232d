"""What single tasks promise beside what all do."""

import logging
from collections.abc import Iterable

import numpy as np
import pytest

from lingym.envs import LabelEnv, Relation, SpanQA, build, load_corpus
from lingym.envs.corpora import Record
from lingym.envs.encode import encode
from lingym.envs.spaces import LabelDiscrete
from lingym.envs.tasks import Example, Passage, Task
from lingym.envs.tokenizer import train_tokenizer
from lingym.types import LabelSpace, Quota

WORDS = "Ada was born in Rome in the year 1900 and lived there ."


def test_a_marker_at_the_text_s_start_keeps_its_token() -> None:
    """The special token and the marker would be one stretch; the marker stands for the head."""
    texts = ["<e1>Noise</e1> caused <e2>panic</e2>.", "The <e1>noise</e1> caused <e2>panic</e2>."]
    records = [
        Record({"sentence": text, "relation": "Other"}, "x", (line,))
        for line, text in enumerate(texts, 1)
    ]
    task = Relation(labels=["Other", "Cause-Effect(e1,e2)"])
    examples = task.read({"train": records})["train"]
    tokenizer = train_tokenizer([*texts, "@ #"])
    episodes = encode(task, examples, task.label_space(examples), tokenizer)
    batch = episodes.batch([0, 1])
    marks = {tokenizer.token_to_id("@"), tokenizer.token_to_id("#")}
    for row in (0, 1):
        owned = batch.unit_of_token[row] == 0
        starts = owned & (np.append(-1, batch.unit_of_token[row][:-1]) != 0)
        assert marks <= set(batch.input_ids[row][starts].tolist())


def test_a_saved_model_reads_longer_answers_than_it_can_give(
    caplog: pytest.LogCaptureFixture,
) -> None:
    answer = "Rome in the year 1900"
    row = {"question": "Where?", "context": WORDS, "answers": [{"text": answer, "start": 16}]}
    record = Record(row, "x.jsonl", (1,))
    task = SpanQA.of_space(LabelSpace((), form="candidates", roles=("start", "end"), span=2))
    with caplog.at_level(logging.WARNING):
        (example,) = task.read({"test": [record]})["test"]
    assert example.gold == (5, 6)
    assert "1 gold answers are longer than the 2 tokens" in caplog.text
    space = task.label_space([example])
    assert task.facts([example], space)["answers"].gold == [[answer]]
    with pytest.raises(ValueError, match=r"x\.jsonl:1: .* has 5 tokens and max_answer is 2"):
        SpanQA(max_answer=2).read({"train": [record]})


def test_a_mix_shows_an_episode_as_its_own_task_does() -> None:
    from lingym.envs import MultiTask

    task: Task
    task, corpus = MultiTask.default()  # type: ignore[assignment]
    env = LabelEnv(dataset=build(task, corpus), render_mode="ansi")  # type: ignore[arg-type]
    env.reset(options={"example": 0})
    shown = env.render()
    assert shown is not None and shown.startswith("[slots]\n")
    assert "slots/" not in shown
    roles = next(k for k, name in enumerate(env.game.episodes.space.names) if "roles/" in name)
    env.step(roles)  # another task's label
    assert "roles/" in str(env.render())


@pytest.mark.parametrize(
    "other",
    [
        LabelSpace(("a", "b"), stop=1),
        LabelSpace(("a", "b"), quota=Quota(0)),
        LabelSpace(("b", "a")),
        LabelSpace(("a", "b"), form="text", roles=("x",)),
    ],
)
def test_action_spaces_of_other_rules_differ(other: LabelSpace) -> None:
    plain = LabelDiscrete(LabelSpace(("a", "b")))
    assert plain == LabelDiscrete(LabelSpace(("a", "b")))
    assert plain != LabelDiscrete(other)


def test_the_generated_relations_are_built() -> None:
    dataset = build(Relation(), load_corpus("synthetic:relations?train=8&dev=2&test=2"))
    assert dataset["train"].lengths.tolist() == [1] * 8


class Longest(Task):
    """A user's own task of candidates: which word is the longest?"""

    def example(self, record: Record) -> Example:
        words = tuple(record["tokens"])
        passage = Passage(words, tuple(range(len(words))))
        longest = max(range(len(words)), key=lambda place: len(words[place]))
        return Example(("longest",), (longest,), record, (passage,), candidates=words)

    def label_space(self, examples: Iterable[Example]) -> LabelSpace:
        return LabelSpace((), form="candidates", roles=("longest",))


def test_a_user_s_own_task_of_candidates() -> None:
    dataset = build(Longest(), load_corpus("synthetic:commands?train=8&dev=2&test=2"))
    env = LabelEnv(dataset=dataset, reward="accuracy")
    env.reset(options={"example": 0})
    gold = int(env.game.gold[0, 0])
    assert env.action_masks().sum() == len(dataset["train"].examples[0].candidates)
    assert env.step(gold)[1] == 1.0
    episodes = dataset["train"]
    right = episodes.gold_of(np.arange(8), 1)
    assert episodes.task.metrics(episodes.complete(right), episodes.space) == {"accuracy": 1.0}
