"""Which arms are compared with which, and what comes of it."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from lingym.scripts.compare.across import iqm, probability_of_improvement
from lingym.scripts.compare.bootstrap import Estimate
from lingym.scripts.compare.drawn import Drawn
from lingym.scripts.compare.gathered import Gathered, mean
from lingym.scripts.compare.study import Study
from lingym.scripts.compare.verdict import holm, verdict

UNKNOWN = {"mean": None, "low": None, "high": None}


@dataclass(frozen=True)
class Pair:
    """An arm and the one it is compared with, on a data set.

    The families of a correction are an arm's comparisons with the reference on all data sets, and
    its comparisons with the best arm without reinforcement on all data sets.
    """

    data: str
    arm: str
    against: str
    family: str


def agent_of(study: Study, arm: str) -> str:
    """The agent that trains an arm's runs."""
    one = study.arm_named(arm)
    return str(study.arm_named(one.of or arm).options.get("agent", "supervised"))


def pairs_of(done: Gathered, data: str) -> list[Pair]:
    """What is compared on a data set.

    Every arm with the reference, and every arm that learns by reinforcement with the best that
    does not: the one with the best mean on dev, as test must choose nothing.
    """
    study = done.study
    reference, arms = study.arms[0].name, done.arms(data)
    pairs = [Pair(data, a, reference, "reference") for a in arms if a != reference]
    metric = study.data_named(data).metric
    plain = {}
    for arm in arms:
        dev = mean(done.scored[run].get("dev", {}).get(metric) for run in done.runs(data, arm))
        if agent_of(study, arm) == "supervised" and dev is not None:
            plain[arm] = dev
    if not plain:
        return pairs
    best = max(plain, key=plain.__getitem__)
    others = [arm for arm in arms if agent_of(study, arm) != "supervised"]
    return pairs + [Pair(data, arm, best, "best") for arm in others]


def differences(
    done: Gathered, drawn: Mapping[str, Drawn], without: Mapping[str, Drawn]
) -> list[dict[str, Any]]:
    """The differences of results.json, in the order of the study.

    Args:
        done: the study.
        drawn: of each data set that has runs, all of them.
        without: the same without repeated test texts, of the data sets that have any.
    """
    found = estimates(done, drawn)
    clean = found | estimates(done, without)
    corrected, corrected_clean = family_p(found), family_p(clean)
    rows = []
    for pair, estimate in found.items():
        if pair.family == "best" and pair.against == done.study.arms[0].name:
            continue  # said already, as a comparison with the reference
        row = {
            "data": pair.data,
            "arm": pair.arm,
            "against": pair.against,
            **ends(estimate),
            "p": estimate.p(),
            "p_corrected": corrected[pair],
            "seeds": list(estimate.seeds),
            "verdict": verdict(estimate.mean, corrected[pair]),
            "poi": asdict(
                probability_of_improvement(
                    [drawn[pair.data].scores(pair.arm)], [drawn[pair.data].scores(pair.against)]
                )
            ),
            "without_repeats": None,
        }
        if pair.data in without:
            other = clean[pair]
            row["without_repeats"] = {
                **ends(other),
                "verdict": verdict(other.mean, corrected_clean[pair]),
                "items_left": without[pair.data].count,
            }
        rows.append(row)
    return rows


def estimates(done: Gathered, drawn: Mapping[str, Drawn]) -> dict[Pair, Estimate]:
    """The difference of every pair that has seeds in common."""
    found = {}
    for data, own in drawn.items():
        for pair in pairs_of(done, data):
            estimate = own.difference(pair.arm, pair.against)
            if estimate is not None:
                found[pair] = estimate
    return found


def family_p(found: Mapping[Pair, Estimate]) -> dict[Pair, float]:
    """P-values, corrected within each family."""
    families = defaultdict(list)
    for pair in found:
        families[pair.arm, pair.family].append(pair)
    return {
        pair: p
        for family in families.values()
        for pair, p in zip(family, holm([found[pair].p() for pair in family]), strict=True)
    }


def ends(estimate: Estimate) -> dict[str, float]:
    """A mean with its interval."""
    low, high = estimate.interval()
    return {"mean": estimate.mean, "low": low, "high": high}


def together(
    done: Gathered, drawn: Mapping[str, Drawn], found: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Each arm over all data sets: the part ``across`` of results.json.

    Args:
        done: the study.
        drawn: of each data set that has runs, all of them.
        found: the differences.
    """
    reference = done.study.arms[0].name
    rows = []
    for arm in (each.name for each in done.study.arms):
        own = [one for data, one in drawn.items() if arm in done.arms(data)]
        if not own:
            continue
        both = [one for one in own if one.seeds(reference)]
        improvement: dict[str, Any] = UNKNOWN
        if arm != reference and both:
            improvement = asdict(
                probability_of_improvement(
                    [one.scores(arm) for one in both], [one.scores(reference) for one in both]
                )
            )
        whole = asdict(iqm([one.scores(arm) for one in own]))
        words = [d["verdict"] for d in found if (d["arm"], d["against"]) == (arm, reference)]
        rows.append(
            {
                "arm": arm,
                "iqm": whole.pop("mean"),
                **whole,
                "data": len(own),
                "improvement": improvement,
                "better": words.count("better"),
                "worse": words.count("worse"),
                "none": words.count("no difference seen"),
            }
        )
    return rows
