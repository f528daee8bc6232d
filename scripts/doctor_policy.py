"""What a reward has to say to a labeller that is trained already, on the texts it would learn from.

A labeller that knows its texts by heart draws the same labels every time, or labels of the same
worth: then there is nothing to learn from any reward.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from textwrap import wrap

import numpy as np
import torch

from lingym.agents.alarms import ALIKE
from lingym.agents.minibatches import by_budget
from lingym.policies import LabelPolicy
from lingym.rewards.probes import differing
from lingym.scripts.doctor import Patient
from lingym.scripts.doctor_words import WIDTH
from lingym.types import UNDECIDED, Batch, IntArray, Rows

BUDGET = 8192
PLAIN, DROPOUT = "as it labels", "with dropout"


@dataclass(frozen=True)
class Room:
    """What is left for a labeller to learn.

    Attributes:
        samples: labelings of a text that were drawn, S.
        wrong: the share of units with another label than gold.
        mean: score of its best labels.
        gold: mean score of gold labels.
        signal: for `PLAIN` and `DROPOUT` the ``mean`` score of its samples, the share of texts
            where ``labelings_differ`` and where ``scores_differ``, and the standard deviation of
            the scores ``std_within`` a text.
    """

    samples: int
    wrong: float
    mean: float
    gold: float
    signal: dict[str, dict[str, float]]


def room(patient: Patient, policy: LabelPolicy, samples: int, seed: int) -> Room:
    """Let a policy label the texts, and draw labels as an agent would.

    Args:
        patient: a reward on texts as the policy reads them. One that learns sees the policy's best
            labels once.
        policy: its mode is restored afterwards.
        samples: labelings of each text, 2 or more.
        seed: of the draws and of dropout.
    """
    gold = patient.labellers.batch.gold
    best = _labelled(policy, patient, False, lambda batch: policy.label(batch)[None])[0]
    patient.observe(best)
    signal = {}
    for name in (PLAIN, DROPOUT):
        drawn = _drawn(policy, patient, samples, name == DROPOUT, seed)
        scores = np.stack([patient.score(labels, name) for labels in drawn])
        signal[name] = {
            "mean": float(scores.mean()),
            "labelings_differ": float(patient.labellers.distinct(drawn).mean()),
            "scores_differ": float(differing(scores).mean()),
            "std_within": float(scores.std(0).mean()),
        }
    return Room(
        samples,
        float(patient.labellers.wrong(best).sum() / (gold >= 0).sum()),
        float(patient.score(best, "its best labels").mean()),
        float(patient.score(patient.labellers.right(1.0, seed), "gold").mean()),
        signal,
    )


def words(found: Room, name: str) -> Iterator[str]:
    """The same, as lines."""
    yield from wrap(
        f"{name} labels {100 * found.wrong:.1f} % of the units wrong; their mean score is "
        f"{found.mean:.4f}, that of gold labels {found.gold:.4f}.",
        WIDTH,
    )
    yield f"Of {found.samples} labelings of a text, drawn by it:"
    yield "                  mean   labels differ   scores differ   sd within a text"
    for own, row in found.signal.items():
        differ = "".join(
            f"{100 * row[key]:{width}.1f} %"
            for key, width in (("labelings_differ", 14), ("scores_differ", 14))
        )
        yield f"  {own:<12}{row['mean']:8.4f}{differ}{row['std_within']:19.4f}"


def warning(found: Room, name: str) -> Iterator[str]:
    """Said where nothing can be learned, whatever the settings of the run."""
    silent = 1 - max(row["scores_differ"] for row in found.signal.values())
    if silent >= ALIKE:
        yield (
            f"{100 * silent:.1f} % of the texts give no signal to {name} ({found.samples} "
            "labelings of each): RL on these texts would teach it next to nothing; take texts "
            "that it was not trained on"
        )


def _drawn(
    policy: LabelPolicy, patient: Patient, samples: int, dropout: bool, seed: int
) -> list[IntArray]:
    """Labelings of all texts, [B, U] each; with dropout a text has one mask, as in training."""
    generator = torch.Generator(policy.device).manual_seed(seed)

    def draw(batch: Batch) -> IntArray:
        features = policy.features(policy.texts(batch))
        drawn = policy.distribution(features, batch).sample(samples, generator)
        return drawn.cpu().numpy().astype(np.int32)

    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return list(_labelled(policy, patient, dropout, draw))


def _labelled(
    policy: LabelPolicy, patient: Patient, dropout: bool, label: Callable[[Batch], IntArray]
) -> IntArray:
    """Labels [S, B, U] of the patient's texts; ``label`` gives [S, b, u] of a batch."""
    episodes, rows = patient.game.episodes, patient.texts
    units = patient.labellers.batch.gold.shape[1]
    parts: list[tuple[Rows, IntArray]] = []
    training = policy.training
    policy.train(dropout)
    try:
        with torch.no_grad():
            for places in by_budget(episodes.token_counts[rows], BUDGET):
                parts.append((places, label(episodes.batch(rows[places]))))
    finally:
        policy.train(training)
    labels = np.full((len(parts[0][1]), len(rows), units), UNDECIDED, np.int32)
    for places, given in parts:
        labels[:, places, : given.shape[2]] = given
    return labels
