"""What every reward must keep, tried on a user's own texts."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from lingym.rewards import Reward, checked_score, checked_steps, prefix
from lingym.rewards.base import take
from lingym.scripts.doctor import Patient
from lingym.types import UNDECIDED, IntArray, Labelings

EPISODES = 64
CLOSE = 1e-9

Check = Callable[[Reward, Labelings], bool]


def same_twice(reward: Reward, labelings: Labelings) -> bool:
    """The same labels have the same score when asked again."""
    return np.array_equal(reward.score(labelings), reward.score(labelings))


def nothing_is_worth_nothing(reward: Reward, labelings: Labelings) -> bool:
    """Before the first label the score is 0."""
    return not reward.score(prefix(labelings, 0)).any()


def steps_sum_to_the_score(reward: Reward, labelings: Labelings) -> bool:
    """The rewards of an episode's steps sum to the score of its whole labelling."""
    total = checked_steps(reward, labelings).sum(1)
    return np.allclose(total, reward.score(labelings), rtol=CLOSE, atol=CLOSE)


def steps_are_rises(reward: Reward, labelings: Labelings) -> bool:
    """Each step's reward is how much its label raised the score."""
    own = checked_steps(reward, labelings)
    return np.allclose(own, Reward.steps(reward, labelings), rtol=CLOSE, atol=CLOSE)


def padding_changes_nothing(reward: Reward, labelings: Labelings) -> bool:
    """Three columns after the last unit leave every score as it is."""

    def wider(array: IntArray) -> IntArray:
        return np.pad(array, [(0, 0), (0, 3)], constant_values=UNDECIDED)

    kinds = None if labelings.kinds is None else wider(labelings.kinds)
    wide = replace(
        labelings, labels=wider(labelings.labels), gold=wider(labelings.gold), kinds=kinds
    )
    return np.allclose(reward.score(wide), reward.score(labelings), rtol=CLOSE, atol=CLOSE)


def company_changes_nothing(reward: Reward, labelings: Labelings) -> bool:
    """An episode has the same score alone as among others."""
    alone = [
        checked_score(reward, take(labelings, slice(row, row + 1)))[0]
        for row in range(len(labelings.lengths))
    ]
    return np.allclose(alone, reward.score(labelings), rtol=CLOSE, atol=CLOSE)


def inputs_are_left_alone(reward: Reward, labelings: Labelings) -> bool:
    """The arrays that it is given are not written to."""
    labels, gold = labelings.labels.copy(), labelings.gold.copy()
    reward.score(labelings)
    reward.steps(labelings)
    return np.array_equal(labels, labelings.labels) and np.array_equal(gold, labelings.gold)


CHECKS: tuple[Check, ...] = (
    same_twice,
    nothing_is_worth_nothing,
    steps_sum_to_the_score,
    steps_are_rises,
    padding_changes_nothing,
    company_changes_nothing,
    inputs_are_left_alone,
)


def broken(patient: Patient, seed: int) -> list[str]:
    """The names of the checks that the reward does not pass, on labelings 80 % right and random."""
    labelings = samples(patient, seed)
    return [check.__name__ for check in CHECKS if not _holds(check, patient, labelings)]


def _holds(check: Check, patient: Patient, labelings: list[Labelings]) -> bool:
    copies = [replace(each, labels=each.labels.copy(), gold=each.gold.copy()) for each in labelings]
    return all(check(patient.game.reward, each) for each in copies)


def samples(patient: Patient, seed: int) -> list[Labelings]:
    """A few episodes, labelled well and labelled badly."""
    texts = patient.texts[:EPISODES]
    batch = patient.game.episodes.batch(texts)
    drawn = [patient.labellers.right(share, seed) for share in (0.8, 0.0)]
    return [batch.complete(labels[: len(texts), : batch.gold.shape[1]]) for labels in drawn]


def decomposes(patient: Patient, seed: int) -> bool:
    """Whether the score is a sum over units, by the reward's own `table`.

    Raises:
        ValueError: it has a table, and the table does not make the score.
    """
    reward, count = patient.game.reward, patient.labellers.count
    for labelings in samples(patient, seed):
        table = reward.table(labelings, count)
        if table is None:
            return False
        real = np.arange(labelings.labels.shape[1]) < labelings.lengths[:, None]
        own = np.take_along_axis(table, np.maximum(labelings.labels, 0)[..., None], 2)[..., 0]
        if not np.allclose((own * real).sum(1), reward.score(labelings), rtol=CLOSE, atol=CLOSE):
            raise ValueError(f"reward {reward.name}: its table does not sum to its score")
    return True
