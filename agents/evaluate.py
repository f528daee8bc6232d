"""One pass over every example of a split, scored as a corpus."""

import numpy as np

from lingym.agents.minibatches import by_budget
from lingym.envs import Episodes
from lingym.policies import LabelPolicy
from lingym.types import UNDECIDED, IntArray


def predict_labels(policy: LabelPolicy, episodes: Episodes, budget: int = 8192) -> IntArray:
    """The most probable labels of every text, int32 [E, U], -1 after a text's last unit.

    Args:
        policy: the policy; its mode is restored afterwards.
        episodes: the texts, E of them.
        budget: padded tokens encoded at a time.
    """
    labels = np.full((len(episodes), episodes.max_units), UNDECIDED, np.int32)
    training = policy.training
    policy.train(False)
    try:
        for rows in by_budget(episodes.token_counts, budget):
            given = policy.label(episodes.batch(rows.astype(np.int32)))
            labels[rows, : given.shape[1]] = given
    finally:
        policy.train(training)
    return labels


def evaluate(policy: LabelPolicy, episodes: Episodes, budget: int = 8192) -> dict[str, float]:
    """The metrics of a split, as its task's field reports them: see `lingym.envs.Task.metrics`.

    They are of the corpus: entity F1, say, is not the mean of sentence F1.

    Raises:
        ValueError: the split has no gold labels.
    """
    if not episodes.labelled:
        raise ValueError("cannot evaluate texts without gold labels")
    labels = predict_labels(policy, episodes, budget)
    return episodes.task.metrics(episodes.complete(labels), episodes.space)
