"""Training texts whose labels a labeller that never saw them finds improbable."""

import json
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lingym.envs import Dataset, encode
from lingym.envs.tokenizer import UnitTokenizer, load_tokenizer
from lingym.scripts.hygiene.reading import Files
from lingym.types import FloatArray

TASKS = ("tagging", "classification", "relation", "multilabel")
"""The tasks whose labels can be judged."""


@dataclass(frozen=True)
class Folds:
    """How the labels are judged: by labellers that are each trained on all folds but one.

    Attributes:
        folds: number of folds, 2 or more.
        passes: how often a labeller sees its texts; None: 2 times, with a frozen encoder 20.
        encoder: of the labellers.
        max_tokens: tokens to a window.
        seed: of folds and training.
        learning_rate: of the encoder; None takes that of `lingym train`.
        tune: what of the encoder is trained, as for `lingym train`; with ``frozen`` its features
            are kept, and all folds but the first read them.
    """

    folds: int = 4
    passes: float | None = None
    encoder: str = "minilm"
    max_tokens: int = 256
    seed: int = 0
    learning_rate: float | None = None
    tune: str = "full"

    @property
    def times(self) -> float:
        """How often a labeller sees its texts."""
        return (20.0 if self.tune == "frozen" else 2.0) if self.passes is None else self.passes


@dataclass(frozen=True)
class Suspect:
    """A text with a suspicious label.

    Attributes:
        file: the file.
        line: the first line of the text there.
        quality: the probability of its gold label, that of its least probable one of several;
            where candidates are judged one by one, cleanlab's score of the text.
        what: the gold label, and what is more probable.
        text: the text.
    """

    file: str
    line: int
    quality: float
    what: str
    text: str


def find(files: Files, folds: Folds) -> list[Suspect]:
    """Training texts with suspicious labels, the most suspicious first, by confident learning.

    A label is suspicious if it is improbable for its text by more than labels are confused in
    general (Northcutt, Jiang and Chuang, Confident Learning, JAIR 2021,
    https://arxiv.org/abs/1911.00068), by cleanlab on out-of-fold probabilities.

    Args:
        files: whose training texts are judged.
        folds: how.

    Raises:
        ValueError: the task's labels cannot be judged, cleanlab is missing, or there are fewer
            texts than folds.
    """
    if files.task.name not in TASKS:
        raise ValueError(f"--suspects is for {', '.join(TASKS)}, not {files.task.name}")
    try:
        import cleanlab  # noqa: F401
    except ImportError:
        raise ValueError("--suspects needs cleanlab: pip install 'lingym[hygiene]'") from None
    from lingym.scripts.options_tuning import EncoderTuning

    if folds.encoder == "none":
        raise ValueError("--suspects trains labellers: give --encoder NAME, not none")
    if not 2 <= folds.folds <= len(files.parts["train"].examples):
        raise ValueError(f"--folds is {folds.folds}: wanted 2 or more, and as many texts")
    if not 0 < folds.times < float("inf"):
        raise ValueError(f"--passes must be above 0, got {folds.passes}")
    EncoderTuning(tune=folds.tune).check("supervised")
    return judged(files, out_of_fold(files, folds))


def out_of_fold(files: Files, folds: Folds) -> list[FloatArray]:
    """The probabilities [U, K] of every unit's labels, by a labeller that never saw its text."""
    from lingym.scripts.options_tuning import EncoderTuning
    from lingym.scripts.train import Train
    from lingym.scripts.training import make_agent, say

    examples = files.parts["train"].examples
    fold_of = np.random.default_rng(folds.seed).permutation(len(examples)) % folds.folds
    tokenizer = load_tokenizer(folds.encoder, files.texts["train"])
    units = UnitTokenizer(tokenizer)
    found: list[Any] = [None] * len(examples)
    learned = int(len(examples) * (1 - 1 / folds.folds) * folds.times)
    say(f"{folds.folds} labellers learn from {learned} texts each")
    for fold in range(folds.folds):
        began = time.monotonic()
        rows = {"train": np.flatnonzero(fold_of != fold), "test": np.flatnonzero(fold_of == fold)}
        splits = {
            split: encode(
                files.task, [examples[int(r)] for r in own], files.space, units, folds.max_tokens
            )
            for split, own in rows.items()
        }
        dataset = Dataset(files.task, files.space, tokenizer, splits)
        with tempfile.TemporaryDirectory() as folder:
            arguments = Train(
                *(Path(folder), files.task.name),  # type: ignore[arg-type]
                agent="supervised",
                encoder=folds.encoder,
                max_tokens=folds.max_tokens,
                learning_rate=folds.learning_rate,
                seed=folds.seed + fold,
                tuning=EncoderTuning(tune=folds.tune),
            )
            agent = make_agent(arguments, dataset)
            agent.learn(total_episodes=max(1, int(len(rows["train"]) * folds.times)))
            for row, each in zip(
                rows["test"], probabilities(agent.policy, splits["test"]), strict=True
            ):
                found[row] = each
        say(f"fold {fold + 1} of {folds.folds}: {time.monotonic() - began:.0f} s")
    return found


def probabilities(policy: Any, episodes: Any) -> list[FloatArray]:
    """What a policy says of every unit of every text: [U, K], rows that sum to 1."""
    import torch

    from lingym.agents.minibatches import by_budget

    found: list[Any] = [None] * len(episodes)
    policy.train(False)
    for rows in by_budget(episodes.token_counts, 8192):
        batch = episodes.batch(rows.astype(np.int32))
        with torch.no_grad():
            distribution = policy.distribution(policy.features(policy.texts(batch)), batch)
            chances = distribution.log_probs(distribution.mode()).exp()
        for place, row in enumerate(rows):
            own = chances[place, : episodes.lengths[row]].double().cpu().numpy()
            found[row] = own / own.sum(-1, keepdims=True)
    return found


def judged(files: Files, chances: Sequence[FloatArray]) -> list[Suspect]:
    """Suspects among the training texts, given out-of-fold probabilities [U, K] of each."""
    from cleanlab import filter as texts_filter
    from cleanlab import multilabel_classification as several
    from cleanlab import token_classification as tokens

    space, task = files.space, files.task.name
    examples = files.parts["train"].examples
    gold = [[space.places[str(g)] for g in e.gold or ()] for e in examples]
    if task == "multilabel":
        given = [[place for place, yes in enumerate(own) if yes] for own in gold]
        yes = np.stack([own[:, 1] for own in chances])
        ranked = several.filter.find_label_issues(
            given, yes, return_indices_ranked_by="self_confidence", n_jobs=1
        )
        scores = several.get_label_quality_scores(given, yes)
        whats = {row: _roles(space.roles, given[row], yes[row]) for row in map(int, ranked)}
        return [_suspect(files, row, scores[row], whats[row]) for row in map(int, ranked)]
    # Labels that no training text has would leave cleanlab's classes empty.
    used = sorted({label for own in gold for label in own})
    place = {label: number for number, label in enumerate(used)}
    names = [space.names[label] for label in used]
    given = [[place[label] for label in own] for own in gold]
    kept = [own[:, used] / own[:, used].sum(-1, keepdims=True) for own in chances]
    if task == "tagging":
        issues = tokens.filter.find_label_issues(given, kept, n_jobs=1)
        by_text: dict[int, list[int]] = {}
        for row, word in issues:
            by_text.setdefault(int(row), []).append(int(word))
        found = []
        for row, words in by_text.items():
            own = kept[row]
            told = [
                f"{word!r} is {names[given[row][w]]}, rather {names[own[w].argmax()]}"
                for w, word in enumerate(examples[row].units)
                if w in words
            ]
            quality = min(own[w, given[row][w]] for w in words)
            found.append(_suspect(files, row, quality, "; ".join(told)))
        return sorted(found, key=lambda suspect: suspect.quality)
    labels = np.array([own[0] for own in given])
    every = np.concatenate(kept)
    ranked = texts_filter.find_label_issues(
        labels, every, return_indices_ranked_by="self_confidence", n_jobs=1
    )
    return [
        _suspect(
            *(files, row, every[row, labels[row]]),
            f"{names[labels[row]]}, rather {names[every[row].argmax()]}",
        )
        for row in map(int, ranked)
    ]


def write(suspects: Sequence[Suspect], path: Path) -> None:
    """The suspects as JSON Lines."""
    lines = [json.dumps(vars(suspect), ensure_ascii=False) + "\n" for suspect in suspects]
    path.write_text("".join(lines), encoding="utf-8")


def _suspect(files: Files, row: int, quality: float, what: str) -> Suspect:
    record = files.parts["train"].examples[row].record
    text = files.texts["train"][row]
    return Suspect(record.path, record.lines[0], round(float(quality), 6), what, text)


def _roles(roles: Sequence[str], given: list[int], yes: FloatArray) -> str:
    """Gold labels, and those that are more probable than not."""
    gold = ", ".join(roles[place] for place in given) or "(none)"
    rather = ", ".join(roles[place] for place in np.flatnonzero(yes >= 0.5).tolist()) or "(none)"
    return f"{gold}, rather {rather}"
