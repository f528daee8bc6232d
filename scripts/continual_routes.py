"""Which of several models labels a text whose origin nobody tells: the most confident one."""

from collections.abc import Sequence

import numpy as np
import torch

from lingym.agents.minibatches import by_budget
from lingym.envs import Episodes
from lingym.policies import LabelPolicy
from lingym.types import UNDECIDED, FloatArray, IntArray


@torch.no_grad()
def confident_labels(
    policy: LabelPolicy, episodes: Episodes, budget: int = 8192
) -> tuple[IntArray, FloatArray]:
    """The most probable labels of every text, and how sure the policy is of them.

    Args:
        policy: it; its mode is restored afterwards.
        episodes: the texts, E of them.
        budget: padded tokens encoded at a time.

    Returns:
        Labels int32 [E, U], -1 after a text's last unit; and of each text the mean over its units
        of log p(label), float64 [E]: texts of all lengths can be compared.
    """
    labels = np.full((len(episodes), episodes.max_units), UNDECIDED, np.int32)
    sure = np.zeros(len(episodes))
    training = policy.training
    policy.train(False)
    try:
        for rows in by_budget(episodes.token_counts, budget):
            batch = episodes.batch(rows.astype(np.int32))
            distribution = policy.distribution(policy.features(policy.texts(batch)), batch)
            mode = distribution.mode()
            each = distribution.log_probs(mode)
            taken = each.gather(-1, mode.clamp(min=0)[..., None]).squeeze(-1).double()
            inside = mode >= 0
            mean = (taken * inside).sum(-1) / inside.sum(-1).clamp(min=1)
            given = mode.cpu().numpy().astype(np.int32)
            labels[rows, : given.shape[1]] = given
            sure[rows] = mean.cpu().numpy()
    finally:
        policy.train(training)
    return labels, sure


def routed(policies: Sequence[LabelPolicy], episodes: Episodes) -> dict[str, float]:
    """The metrics of a split in which each text is labelled by the policy that is surest of it.

    Of equally sure ones the earliest.
    """
    found = [confident_labels(policy, episodes) for policy in policies]
    best = np.argmax([sure for _, sure in found], axis=0)
    labels = np.stack([labels for labels, _ in found])[best, np.arange(len(episodes))]
    return episodes.task.metrics(episodes.complete(labels), episodes.space)
