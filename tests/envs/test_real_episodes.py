"""Real data sets as episodes: every text is there, whole, and its gold labels are worth 1."""

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from lingym.envs import (
    Classification,
    Corpus,
    Dataset,
    ExtractiveSummary,
    LabelVectorEnv,
    MultiLabel,
    MultipleChoice,
    Relation,
    SentenceTagging,
    SlotsAndIntent,
    SpanQA,
    Tagging,
    Task,
    build,
    load_corpus,
)
from lingym.envs.corpora import read_records
from lingym.rewards import Accuracy, EntityF1, lead
from lingym.scripts.mix import load_mix

pytestmark = pytest.mark.data

SETS: dict[str, tuple[Task, str, int, type]] = {  # task, file ending, short windows, reward
    "snips": (Tagging(), "conll", 16, EntityF1),
    "conll2003": (Tagging(), "conll", 40, EntityF1),
    "wnut17": (Tagging(), "conll", 40, EntityF1),
    "ud_english_ewt": (Tagging(), "conll", 100, Accuracy),
    "sst2": (Classification(), "jsonl", 40, Accuracy),
}


@pytest.mark.parametrize("name", SETS)
def test_oracle_gets_1(data_dir: Path, name: str) -> None:
    task, ending, _, reward = SETS[name]
    data = build(task, load_corpus(train=data_dir / name / f"dev.{ending}.xz"))
    env = LabelVectorEnv(dataset=data, num_envs=200)
    assert isinstance(env.reward, reward)
    env.reset(seed=0)
    batch = env.episodes.batch(env.game.examples)
    assert env.play(batch.gold).sum(1) == pytest.approx(1.0, abs=1e-12)
    wrong = np.where(batch.gold >= 0, (batch.gold + 1) % len(data.space), -1).astype(np.int32)
    assert (env.play(wrong).sum(1) < 1).all()
    returns, seen = np.zeros(200), np.zeros(200, bool)
    for t in range(int(batch.lengths.max())):
        going = ~seen
        assert env.action_masks()[going, batch.gold[going, t]].all()
        _, rewards, done, _, _ = env.step(np.where(going, batch.gold[:, t], 0))
        returns[going] += rewards[going]
        seen |= done
    assert returns == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize("name", SETS)
def test_every_word_has_tokens_in_one_window(data_dir: Path, name: str) -> None:
    """With windows so short that many texts need several."""
    task, ending, size, _ = SETS[name]
    data = build(task, load_corpus(dev=data_dir / name / f"dev.{ending}.xz"), max_tokens=size)
    episodes = data["dev"]
    assert episodes.max_windows > 1
    assert episodes.max_tokens <= size
    batch = episodes.batch(np.argsort(-episodes.token_counts)[:100].tolist())
    for row, length in enumerate(batch.lengths):
        windows = batch.unit_of_token[batch.episode_of_window == row]
        owners = [set(window[window >= 0]) for window in windows]
        assert set().union(*owners) == set(range(length))
        if not data.space.of_text:
            assert sum(map(len, owners)) == length


# Every further task, on the first texts of each split.

FIRST = 300
TASKS: dict[str, tuple[Task, dict[str, float], tuple[int, ...]]] = {
    # the task, what the gold labels get, and texts of all splits
    "goemotions": (
        MultiLabel(),
        {"sample_f1": 1, "macro_f1": 1, "hamming": 0},
        (43410, 5426, 5427),
    ),
    "squad_v1_by_article": (SpanQA(), {"f1": 1, "exact_match": 1}, (6493, 1075, 3002)),
    "dream": (MultipleChoice(), {"accuracy": 1}, (6116, 2040, 2041)),
    "semeval2010_task8": (Relation(), {"semeval_f1": 1, "accuracy": 1}, (8000, 2717)),
    "csabstruct": (SentenceTagging(), {"accuracy": 1, "macro_f1": 1}, (1668, 295, 226)),
    "snips": (
        SlotsAndIntent(),
        {"entity_f1": 1, "intent_accuracy": 1, "exact_match": 1},
        (13084, 700, 700),
    ),
    "atis": (
        SlotsAndIntent(),
        {"entity_f1": 1, "intent_accuracy": 1, "exact_match": 1},
        (4478, 500, 893),
    ),
    "scitldr": (ExtractiveSummary(), {"sentences": 1}, (1992, 619, 618)),
}
FILES = {3: ("train", "dev", "test"), 2: ("train", "test")}


@cache
def first_texts(folder: Path, name: str) -> tuple[Corpus, tuple[int, ...]]:
    """The first texts of each split, and how many there are."""
    splits = FILES[len(TASKS[name][2])]
    read = {
        split: tuple(read_records(str(folder / name / f"{split}.jsonl.xz"))) for split in splits
    }
    corpus = Corpus(
        **{s: read.get(s, ())[:FIRST] for s in FILES[3]}, source=dict.fromkeys(splits, name)
    )
    return corpus, tuple(map(len, read.values()))


@cache
def real(folder: Path, name: str) -> Dataset:
    return build(TASKS[name][0], first_texts(folder, name)[0])


@pytest.mark.parametrize("name", TASKS)
def test_gold_labels_get_the_maximum_of_the_metrics(data_dir: Path, name: str) -> None:
    task, wanted, counts = TASKS[name]
    assert first_texts(data_dir, name)[1] == counts
    data = real(data_dir, name)
    for split, episodes in data.splits.items():
        assert len(episodes) == min(FIRST, counts[FILES[len(counts)].index(split)])
        gold = episodes.gold_of(np.arange(len(episodes)), episodes.max_units)
        found = task.metrics(episodes.complete(gold), data.space)
        # A class that the first texts lack has no F1; its macro average leaves nothing out.
        known = {name: found[name] for name in wanted if name != "macro_f1"}
        assert known == pytest.approx({n: v for n, v in wanted.items() if n in known}), split
        assert task.metric(data.space) in found
        env = LabelVectorEnv(dataset=data, split=split)
        scores = env.play(gold, episodes.batch(range(len(episodes)))).sum(1)
        other = (np.maximum(gold, 0) + 1) % episodes.label_count
        wrong = env.play(other.astype(np.int32), episodes.batch(range(len(episodes)))).sum(1)
        if name not in ("scitldr", "semeval2010_task8"):
            assert scores == pytest.approx(1.0)
        assert scores.mean() > wrong.mean()


def test_the_rouge_oracle_of_scitldr(data_dir: Path) -> None:
    """Its authors' sentence is the best by ROUGE, or nearly so; ours is the best by definition."""
    given = real(data_dir, "scitldr")
    corpus = first_texts(data_dir, "scitldr")[0]
    searched = build(ExtractiveSummary(oracle="rouge"), corpus)
    for split in ("train", "dev", "test"):
        ours, theirs = searched[split], given[split]
        width = ours.max_units
        scores = []
        for episodes in (ours, theirs):
            gold = episodes.gold_of(np.arange(len(episodes)), width)
            labelings = replace(theirs.complete(gold))
            scores.append(episodes.task.metrics(labelings, given.space)["rouge"])
        first = lead(theirs.facts["references"], 1)
        labels = np.where(np.arange(width) < theirs.lengths[:, None], 1, -1)
        labels[first] = 0
        scores.append(
            given.task.metrics(theirs.complete(labels.astype(np.int32)), given.space)["rouge"]
        )
        best, authors, leading = scores
        assert best >= authors > leading
        same = (ours.gold_of(range_of(ours), width) == theirs.gold_of(range_of(theirs), width)).all(
            1
        )
        assert same.mean() > 0.5


def range_of(episodes: object) -> np.ndarray:
    return np.arange(len(episodes))  # type: ignore[arg-type]


def test_a_mix_of_real_data(data_dir: Path, tmp_path: Path) -> None:
    file = tmp_path / "mix.toml"
    tables = [
        ("snips", "tagging", "conll", 2.0),
        ("sst2", "classification", "jsonl", 1.0),
        ("conll2003", "tagging", "conll", 1.0),
    ]
    rows = []
    for name, task, ending, weight in tables:
        rows += [f"[{name}]", f'task = "{task}"', f"weight = {weight}"]
        rows.append(f'dev = "{data_dir / name / f"dev.{ending}.xz"}"')
    file.write_text("\n".join(rows))
    task, corpus = load_mix(file)
    assert len(corpus.dev) == 700 + 872 + 3250
    some = [record for place, record in enumerate(corpus.dev) if place % 8 == 0]
    data = build(task, replace(corpus, dev=tuple(some)))
    episodes = data["dev"]
    assert data.space.kinds == ("snips", "sst2", "conll2003")
    gold = episodes.gold_of(np.arange(len(episodes)), episodes.max_units)
    found = task.metrics(episodes.complete(gold), data.space)
    assert found["mean"] == found["snips/entity_f1"] == found["sst2/accuracy"] == 1
    env = LabelVectorEnv(dataset=data, split="dev", num_envs=2)
    assert env.play(gold, episodes.batch(range(len(episodes)))).sum(1) == pytest.approx(1.0)
    env.reset(seed=0)
    assert episodes.parts is not None
    drawn = np.bincount(episodes.parts[env.sample(2000)]) / 2000
    assert drawn == pytest.approx([0.5, 0.25, 0.25], abs=0.04)


def test_every_gold_answer_of_squad_is_a_span_of_tokens_but_one(data_dir: Path) -> None:
    """One question of train has no answer that neither begins nor ends within a word."""
    task, faulty = SpanQA(), {}
    for split in FILES[3]:
        records = read_records(str(data_dir / "squad_v1_by_article" / f"{split}.jsonl.xz"))
        examples = task.read({split: records})[split]
        answers = task.facts(examples, task.label_space(examples))["answers"]
        labels = np.array([example.gold for example in examples], np.int32)
        scores = answers.scores(labels, np.arange(len(examples), dtype=np.int32))
        faulty[split] = int((scores[:, 1] < 1).sum())
    assert faulty == {"train": 1, "dev": 0, "test": 0}
