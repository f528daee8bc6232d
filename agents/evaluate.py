"""One pass over every example of a split, scored as a corpus."""

from collections.abc import Collection, Iterable
from functools import partial

import numpy as np

from lingym.agents.inspection import too_large
from lingym.agents.minibatches import by_budget
from lingym.agents.out_of_memory import halving
from lingym.envs import Episodes, Task
from lingym.policies import LabelPolicy
from lingym.rewards import as_metric, metric_reward
from lingym.types import UNDECIDED, IntArray, Labelings, LabelSpace, Rows


def predict_labels(policy: LabelPolicy, episodes: Episodes, budget: int = 8192) -> IntArray:
    """The most probable labels of every text, int32 [E, U], -1 after a text's last unit.

    Args:
        policy: the policy; its mode is restored afterwards.
        episodes: the texts, E of them.
        budget: padded tokens encoded at a time.
    """
    labels = np.full((len(episodes), episodes.max_units), UNDECIDED, np.int32)

    def label(rows: Rows) -> None:
        given = policy.label(episodes.batch(rows))
        labels[rows, : given.shape[1]] = given

    training = policy.training
    policy.train(False)
    try:
        for rows in by_budget(episodes.token_counts, budget):
            halving(rows.astype(np.int32), label, partial(_cut, episodes))
    finally:
        policy.train(training)
    return labels


def evaluate(
    policy: LabelPolicy,
    episodes: Episodes,
    budget: int = 8192,
    labels: IntArray | None = None,
    also: Iterable[str] = (),
) -> dict[str, float]:
    """The metrics of a split, as its task's field reports them: see `lingym.envs.Task.metrics`.

    They are of the corpus: entity F1, say, is not the mean of sentence F1.

    Args:
        policy: the policy; its mode is restored afterwards.
        episodes: the texts, E of them.
        budget: padded tokens encoded at a time.
        labels: [E, U] what `predict_labels` gave, if it is at hand.
        also: further metrics, which are rewards as text: see `lingym.rewards.as_metric`.

    Raises:
        ValueError: the split has no gold labels, or a reward is no metric.
    """
    if not episodes.labelled:
        raise ValueError("cannot evaluate texts without gold labels")
    if labels is None:
        labels = predict_labels(policy, episodes, budget)
    return measures(episodes.task, episodes.complete(labels), episodes.space, also)


def measures(
    task: Task, labelings: Labelings, space: LabelSpace, also: Iterable[str] = ()
) -> dict[str, float]:
    """The metrics of a task, and rewards as metrics beside them.

    Args:
        task: what was labelled.
        labelings: complete ones of every text of a split.
        space: the labels.
        also: rewards as text; a name that the task has is the task's.

    Raises:
        ValueError: a reward is no metric of these labels.
    """
    found = task.metrics(labelings, space)
    own = [spec for spec in also if spec not in found]
    for spec in own:
        check_metric(spec, found, space)
    return {**found, **{spec: as_metric(spec, labelings, space) for spec in own}}


def check_metric(metric: str, known: Collection[str], space: LabelSpace) -> None:
    """Refuse what is neither among the metrics of a task nor a reward that can be one.

    Raises:
        ValueError: it is neither.
    """
    if metric not in known:
        try:
            metric_reward(metric, space)
        except ValueError as error:
            raise ValueError(
                f"no metric {metric!r}: choose {', '.join(known)}, or a reward; {error}"
            ) from None


def _cut(episodes: Episodes, rows: Rows, error: BaseException) -> None:
    """Halves are as good; an error where it is one text."""
    if len(rows) < 2:
        raise too_large(episodes, int(rows[0]), error) from error
