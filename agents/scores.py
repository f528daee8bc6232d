"""A trained policy's scores of a split, frozen for tuning, and the way back into its head."""

from typing import Any

import numpy as np
import torch
from torch import nn

from lingym.agents.minibatches import by_budget
from lingym.envs import Episodes
from lingym.envs.tuning import Parameters, Scores
from lingym.policies import LabelPolicy
from lingym.types import FloatArray


@torch.no_grad()
def scores_of(policy: LabelPolicy, episodes: Episodes, budget: int = 8192) -> Scores:
    """What a policy says of every unit of a split, frozen.

    Where a unit's label is told from the unit's own tokens, features and head come along, for
    parameters of kind ``subspace``.

    Args:
        policy: each unit's label is its largest score; the policy's mode is restored afterwards.
        episodes: the texts, all with gold labels.
        budget: padded tokens encoded at a time.

    Raises:
        ValueError: the labels of a text depend on each other, are candidates or of several kinds,
            a unit has no gold label, or the policy corrects another or has a verbaliser.
    """
    space = episodes.space
    if not policy.alone:
        raise ValueError("a labeller that corrects another has no head of its own to be tuned")
    if policy.verbaliser is not None:
        raise ValueError(
            "a labeller that fills in a pattern's blank scores labels by words (verbaliser): only "
            "one with a linear head can be tuned"
        )
    chained = policy.chained or space.stop is not None or space.quota is not None
    if chained or space.form == "candidates" or space.kinds:
        raise ValueError(
            "only a labeller that gives each unit its largest score, of labels that have names and "
            "are of one kind, can be tuned: this one's are "
            + ("conditioned on each other" if chained else "candidates or of several kinds")
        )
    if not episodes.labelled:
        raise ValueError("cannot tune on texts without gold labels")
    head = policy.label_head if space.form == "units" else None
    units, width = len(episodes.gold), policy.label_head.in_features
    logits = np.empty((units, len(space)), np.float32)
    features = None if head is None else np.empty((units, width), np.float32)
    training = policy.training
    policy.train(False)
    try:
        for rows in by_budget(episodes.token_counts, budget):
            batch = episodes.batch(rows.astype(np.int32))
            read = policy.features(policy.texts(batch))  # [B, G, D]
            scores = policy.distribution(read, batch).scores.float().cpu().numpy()  # [B, U, K]
            inside = np.arange(scores.shape[1]) < batch.lengths[:, None]
            first = episodes.unit_bounds[rows]
            places = (first[:, None] + np.arange(scores.shape[1]))[inside]
            logits[places] = scores[inside]
            if features is not None:
                features[places] = read.float().cpu().numpy()[inside]
    finally:
        policy.train(training)
    weight, bias = (None, None) if head is None else _arrays(head)
    sizes = (episodes.gold, episodes.lengths, tuple(space.names), tuple(space.roles))
    return Scores(logits, *sizes, features, weight, bias)


@torch.no_grad()
def set_head(policy: LabelPolicy, parameters: Parameters, values: FloatArray) -> None:
    """Write tuned values into a policy's head, which then labels so without further ado.

    All parameters are affine in the head's outputs: what they make of the features 0 and of each
    unit vector is the new bias and the new weight.

    Args:
        policy: the labeller that the scores came from; its head changes.
        parameters: of these scores.
        values: [n].
    """
    space, head = policy.labels, policy.label_head
    basis = torch.cat([torch.zeros(1, head.in_features), torch.eye(head.in_features)])
    weight, bias = _arrays(head)
    features = basis.numpy()
    logits = (features @ weight.T + bias).reshape(-1, len(space))
    units = np.zeros(len(logits), np.int32)
    lengths = np.full(len(basis), head.out_features // len(space), np.int32)
    known = (features, weight, bias) if space.form == "units" else ()
    probe = Scores(logits, units, lengths, tuple(space.names), tuple(space.roles), *known)
    moved = parameters.logits(probe, values).reshape(len(basis), -1)
    head.bias.copy_(torch.from_numpy(moved[0]))
    head.weight.copy_(torch.from_numpy((moved[1:] - moved[0]).T.copy()))


def _arrays(head: nn.Linear) -> tuple[Any, Any]:
    weight, bias = (part.detach().float().cpu().numpy() for part in (head.weight, head.bias))
    return weight, bias
