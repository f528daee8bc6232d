"""The items of a task's own metrics, counted as the task counts them."""

from collections.abc import Callable

import numpy as np

from lingym.agents.evaluate import measures
from lingym.envs import (
    Abstaining,
    ExtractiveSummary,
    MultiLabel,
    MultipleChoice,
    MultiTask,
    SlotsAndIntent,
    SpanQA,
    Task,
)
from lingym.envs.tasks.slots_intent import INTENT, SLOT
from lingym.envs.tuning.measures import are_tags
from lingym.rewards import parts_of, split_kinds
from lingym.rewards.averages import FMeasure
from lingym.rewards.counting import correct
from lingym.rewards.feedback.abstain import answered
from lingym.rewards.kinds import Kind
from lingym.scripts.compare.items import Items
from lingym.scripts.compare.terms import Ratio, Term, Weighted
from lingym.scripts.compare.unit_items import (
    answer_items,
    ratio_of,
    set_items,
    summary_items,
    unit_items,
)
from lingym.types import FloatArray, Labelings, LabelSpace

TOLERANCE = 1e-9
"""How far a metric may lie from its task's own: rounding, and no more."""


def items_of(labelings: Labelings, task: Task, space: LabelSpace, metric: str) -> Items:
    """What each text adds to a metric of its task.

    Args:
        labelings: complete ones of every text of a split.
        task: what was labelled.
        space: the labels.
        metric: one of those that ``task.metrics`` gives, or a reward as text
            (`lingym.rewards.as_metric`).

    Returns:
        Items of which ``score()[0]`` is that metric.

    Raises:
        ValueError: the task has no such metric, or it is no function of sums over texts that is
            known here.
    """
    values = task.metrics(labelings, space)
    if metric in values:
        items = _items(labelings, task, space, metric)
    else:
        values = measures(task, labelings, space, (metric,))
        items = reward_items(metric, labelings, space)
    if items is None:
        raise ValueError(
            f"metric {metric!r} of {type(task).__name__} cannot be resampled: it is not known what "
            "a text adds to it"
        )
    found = float(items.score()[0])
    if not abs(found - values[metric]) <= TOLERANCE:  # a task of a user's own counts otherwise
        raise ValueError(
            f"metric {metric!r} of {type(task).__name__} cannot be resampled: its texts add up to "
            f"{found} and the metric is {values[metric]}"
        )
    return items


def reward_items(spec: str, labelings: Labelings, space: LabelSpace) -> Items:
    """What each text adds to a reward as a metric.

    Raises:
        ValueError: it is no reward, or a measure of the corpus that is known of all texts only.
    """
    terms: list[tuple[float, Term]] = []
    for part in parts_of(spec, labelings, space):
        if part.values is not None:
            terms.append((part.factor, Ratio(part.values, np.ones(len(part.values)))))
        elif part.totals is not None and isinstance(part.measure, FMeasure):
            own = part.measure
            weights = tuple(own.weights.tolist())
            term = Weighted(*part.totals, own.average, own.recall_share, weights)
            terms.append((part.factor, term))
        else:
            raise ValueError(f"metric {spec!r} cannot be resampled: only its F measures can")
    return Items(tuple(terms))


def _items(labelings: Labelings, task: Task, space: LabelSpace, metric: str) -> Items | None:
    match task:
        case Abstaining():
            return _abstaining(labelings, task, space, metric)
        case MultiTask():
            return _mixed(labelings, task, space, metric)
        case SlotsAndIntent():
            return _slots_intent(labelings, space, metric)
        case MultiLabel():
            return set_items(labelings, space, metric)
        case ExtractiveSummary():
            return summary_items(labelings, space, metric)
        case SpanQA():
            return answer_items(labelings, metric)
        case MultipleChoice() if metric == "accuracy":
            return Items.mean((labelings.labels == labelings.gold).all(1))
    return unit_items(labelings, space, metric, official=task.metric(space) == "semeval_f1")


def _slots_intent(labelings: Labelings, space: LabelSpace, metric: str) -> Items | None:
    """Of `lingym.envs.SlotsAndIntent.metrics`."""
    if metric == "exact_match":
        return Items.mean((labelings.labels == labelings.gold).all(1))
    if metric == "intent_accuracy":
        return _of_kind(labelings, space, INTENT, lambda own, of: unit_items(own, of, "accuracy"))
    tags = are_tags(space.of_kind(SLOT)[0].names)
    name = {"mean": "entity_f1" if tags else "accuracy", "slot_accuracy": "accuracy"}.get(
        metric, metric
    )
    slots = _of_kind(labelings, space, SLOT, lambda own, of: unit_items(own, of, name))
    if metric != "mean":
        return slots
    return _mean([slots, _slots_intent(labelings, space, "intent_accuracy")])


def _mixed(labelings: Labelings, task: MultiTask, space: LabelSpace, metric: str) -> Items | None:
    """Of `lingym.envs.MultiTask.metrics`; NaN where a resample lacks a task."""

    def of(kind: str, name: str | None) -> Items | None:
        own = task.tasks[kind]
        return _of_kind(
            labelings,
            space,
            kind,
            lambda few, few_of: _items(few, own, few_of, name or own.metric(few_of)),
        )

    if metric == "mean":
        return _mean([of(kind, None) for kind in split_kinds(labelings, space)])
    kind, _, name = metric.partition("/")
    return of(kind, name)


def _of_kind(
    labelings: Labelings,
    space: LabelSpace,
    name: str,
    make: Callable[[Labelings, LabelSpace], Items | None],
) -> Items | None:
    """Of the units of one kind; the texts that have none add nothing."""
    kind = Kind.of(space, name)
    part = kind.part(labelings)
    items = make(part.labelings, kind.space)

    def among_all(values: FloatArray) -> FloatArray:
        all_ = np.zeros((len(labelings.lengths), *values.shape[1:]))
        all_[part.rows] = values
        return all_

    return None if items is None else items.rows(among_all)


def _mean(parts: list[Items | None]) -> Items | None:
    """The mean of several metrics."""
    known = [part for part in parts if part is not None]
    if len(known) < len(parts):
        return None
    return Items(tuple((f / len(parts), term) for part in known for f, term in part.terms))


def _abstaining(
    labelings: Labelings, task: Abstaining, space: LabelSpace, metric: str
) -> Items | None:
    """Of `lingym.envs.Abstaining.metrics`."""
    label = len(space) - 1
    measured = labelings.gold >= 0
    given = measured & (labelings.labels != label)
    unaided, own = task.alone(labelings, space)
    match metric:
        case "coverage":
            return ratio_of(given, measured)
        case "selective_accuracy":
            return ratio_of(correct(labelings) & given, given, 0.0)
        case "utility":
            assisted = _items(answered(labelings, label), task.task, own, task.task.metric(own))
            if assisted is None:
                return None
            paid = tuple((task.price * f, term) for f, term in ratio_of(given, measured).terms)
            return Items((*assisted.terms, *paid), assisted.constant - task.price)
    if metric.startswith("assisted_"):
        name = metric.removeprefix("assisted_")
        return _items(answered(labelings, label), task.task, own, name)
    return _items(unaided, task.task, own, metric)
