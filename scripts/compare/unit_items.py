"""The items of the metrics that are counted unit by unit, set by set, or text by text."""

from dataclasses import replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from lingym.envs.tuning.measures import are_tags
from lingym.rewards.answers import normalize_answer
from lingym.rewards.corpus_counts import units_of
from lingym.rewards.counting import correct, ratio
from lingym.rewards.multilabel import YES
from lingym.scripts.compare.items import Items
from lingym.scripts.compare.terms import Counts, Measure, Over, Ratio
from lingym.types import UNDECIDED, Labelings, LabelSpace


def ratio_of(right: npt.NDArray[Any], total: npt.NDArray[Any], empty: float = np.nan) -> Items:
    """Of flags or numbers [N, U], summed over units."""
    return Items.of(Ratio(right.sum(1).astype(np.float64), total.sum(1).astype(np.float64), empty))


def counts_of(
    labelings: Labelings,
    space: LabelSpace,
    unit: str,
    average: Literal["micro", "macro"],
    over: Over = "all",
    measure: Measure = "f1",
) -> Items:
    """Of `lingym.rewards.corpus_counts`; units without a gold label are not counted."""
    labels = np.where(labelings.gold >= 0, labelings.labels, np.int32(UNDECIDED))
    units = units_of(space, unit, () if unit == "label" else None)
    totals = units.changes(replace(labelings, labels=labels)).totals(len(units.types))
    if average == "micro" and over == "all":
        totals = type(totals)(*(each.sum(1, keepdims=True) for each in totals))
    return Items.of(Counts(*totals, average, over, measure))


def unit_items(
    labelings: Labelings, space: LabelSpace, metric: str, official: bool = False
) -> Items | None:
    """`corpus_metrics`, `candidate_metrics`, and, where it is official, `semeval_metrics`."""
    measure: Measure = "precision" if metric == "precision" else "recall"
    match metric:
        case "accuracy":
            return ratio_of(correct(labelings), labelings.gold >= 0)
        case "semeval_f1":
            return counts_of(labelings, space, "relation", "macro", "gold")
        case "micro_f1" if official:
            return counts_of(labelings, space, "relation", "micro", "gold")
        case "precision" | "recall" if official:
            return counts_of(labelings, space, "relation", "macro", "gold", measure)
        case "micro_f1":  # one label to a unit: accuracy
            return ratio_of(correct(labelings), labelings.gold >= 0)
        case "macro_f1":
            return counts_of(labelings, space, "label", "macro", "seen")
        case "entity_f1":
            return counts_of(labelings, space, "entity", "micro")
        case "precision" | "recall":
            if are_tags(space.names):
                return counts_of(labelings, space, "entity", "micro", "all", measure)
            return counts_of(labelings, space, "label", "macro", "seen", measure)
    return None


def set_items(labelings: Labelings, space: LabelSpace, metric: str) -> Items | None:
    """`multilabel_metrics`."""
    given, gold = (
        labels[:, : len(space.roles)] == space.places[YES]
        for labels in (labelings.labels, labelings.gold)
    )
    match metric:
        case "sample_f1":
            both = given.sum(1) + gold.sum(1)
            return Items.mean(ratio(2 * (given & gold).sum(1), both, 0.0))
        case "micro_f1":
            return counts_of(labelings, space, "candidate", "micro")
        case "macro_f1":
            return counts_of(labelings, space, "candidate", "macro")
        case "exact_match":
            return Items.mean((given == gold).all(1))
        case "hamming":
            return Items.mean((given != gold).mean(1))
    return None


def summary_items(labelings: Labelings, space: LabelSpace, metric: str) -> Items | None:
    """`rouge_metrics`."""
    chosen, examples = labelings.labels == space.places["in"], labelings.examples
    references = labelings.facts["references"]
    if metric == "sentences":
        return Items.mean(chosen.sum(1))
    if metric == "words":
        return Items.mean(references.words_of(chosen, examples))
    scores = references.scores(chosen, examples)
    if metric == "rouge":
        return Items.mean(scores.mean(1))
    names = ("rouge1", "rouge2", "rougeL")
    return Items.mean(scores[:, names.index(metric)]) if metric in names else None


def answer_items(labelings: Labelings, metric: str) -> Items | None:
    """`squad_metrics`."""
    measure, _, sort = metric.removeprefix("exact_").partition("_")
    if measure not in ("f1", "match") or sort not in ("", "answerable", "unanswerable"):
        return None
    answers = labelings.facts["answers"]
    scores = answers.of(labelings)[:, int(measure == "match")]
    answerable = np.array([any(map(normalize_answer, answers.gold[e])) for e in labelings.examples])
    of = np.ones(len(scores), np.bool_)
    if sort:
        of = answerable if sort == "answerable" else ~answerable
    return ratio_of((scores * of)[:, None], of[:, None])
