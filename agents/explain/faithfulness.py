"""Whether attributions mean anything: does the label go when the words go that are said to make it?

Sizes: E texts, W words of a text, C copies of a text.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil

import numpy as np

from lingym.agents.explain.explainer import Explainer
from lingym.agents.explain.methods import METHODS, Method, method
from lingym.agents.explain.names import Blank
from lingym.agents.explain.scene import still
from lingym.envs import Episodes
from lingym.policies import LabelPolicy
from lingym.types import BoolArray, FloatArray, Rows

BINS = (0.01, 0.05, 0.1, 0.2, 0.5)
"""Shares of the words, as in ERASER."""
TENTHS = 10
"""Steps of the deletion curve."""
DRAWS = 5
"""Random orders of each text."""
RESAMPLES = 2000
"""Resamples of the texts."""
MEASURES = ("comprehensiveness", "sufficiency", "area")


@dataclass(frozen=True)
class Estimate:
    """A mean over texts, with its 95 % percentile bootstrap interval over texts."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class Faithfulness:
    """How a method did in the deletion test, over texts.

    Attributes:
        method: its name.
        comprehensiveness: how far the probability falls without the first words: higher is better.
        sufficiency: how far it falls with these words alone: lower is better.
        area: under the probability as the words go, first to last: lower is better.
        beyond: by measure, how much higher it is than for random orders of the same texts.
        curve: float64 [11] the mean probability when 0, 10, .. 100 % of the words are gone.
        texts: float64 [E, 3] the measures of every text.
    """

    method: Method
    comprehensiveness: Estimate
    sufficiency: Estimate
    area: Estimate
    beyond: dict[str, Estimate]
    curve: FloatArray
    texts: FloatArray


def deletion_test(
    policy: LabelPolicy,
    episodes: Episodes,
    methods: Sequence[Method] = METHODS,
    rows: Rows | Sequence[int] | None = None,
    seed: int = 0,
    blank: Blank | None = None,
    tolerance: float = 0.01,
    budget: int = 8192,
) -> list[Faithfulness]:
    r"""Take away the words that a method says made a label, and see whether the label goes.

    Of every text one label is explained: that of a unit drawn by the seed from those labelled
    otherwise than O (no, out), if there are any. With p the label's probability, x the text and r_q
    the first ceil(q W) of its W words in the method's order,

    .. math:: \text{comprehensiveness} = \frac{1}{5} \sum_q p(x) - p(x \setminus r_q), \qquad
        \text{sufficiency} = \frac{1}{5} \sum_q p(x) - p(r_q),

    q in 1, 5, 10, 20 and 50 % (DeYoung et al., 2020, https://aclanthology.org/2020.acl-main.408),
    and the area under p as the words go one tenth after another (Samek et al., 2017,
    https://arxiv.org/abs/1509.06321). A word that goes is replaced by the blank token, so that the
    others keep their places. The row ``random`` has the mean over `DRAWS` random orders of each
    text: a method whose ``beyond`` has 0 in its interval tells no more than chance.

    Args:
        policy: the policy.
        episodes: the texts; no gold labels are looked at.
        methods: which to test; ``random`` is always among the rows, last.
        rows: the places of the texts; None takes all.
        seed: of the units, the random orders and the resamples.
        blank: the token that stands for a word taken away, for the test and for the methods.
        tolerance: of integrated gradients.
        budget: padded tokens that are encoded at a time.

    Returns:
        One row a method.

    Raises:
        ValueError: fewer than two texts, or a method is not known.
    """
    places = [int(row) for row in (range(len(episodes)) if rows is None else rows)]
    if len(places) < 2:
        raise ValueError(f"a deletion test needs two texts or more, got {len(places)}")
    names: list[Method] = [*dict.fromkeys(name for name in methods if name != "random"), "random"]
    random = np.random.default_rng(seed)
    explainer = Explainer(policy, blank=blank, tolerance=tolerance, budget=budget)
    measured: dict[str, list[FloatArray]] = {name: [] for name in names}
    for row in places:
        scene, _ = explainer.scene(episodes, row)
        pick = [int(random.integers(len(scene.units)))]
        scene = replace(scene, units=scene.units[pick], targets=scene.targets[pick])
        words = np.flatnonzero(~scene.layout.marks)
        with still(policy):
            orders: dict[Method, list[Rows]] = {}
            for name in names:
                if name == "random":
                    orders[name] = [random.permutation(words) for _ in range(DRAWS)]
                    continue
                scores = method(name, tolerance=tolerance)(scene).scores[0, words]
                orders[name] = [words[np.argsort(-scores, kind="stable")]]
            every = [order for each in orders.values() for order in each]
            kept = np.concatenate([_plan(order, len(scene.layout.words)) for order in every])
            chances = np.exp(scene.values(kept, np.zeros(len(kept), np.int64)))
        found = iter(chances.reshape(len(every), -1))
        for name, each in orders.items():
            measured[name].append(np.mean([_measures(next(found)) for _ in each], 0))
    table = {name: np.stack(found) for name, found in measured.items()}
    resample = np.random.default_rng(seed).integers(len(places), size=(RESAMPLES, len(places)))
    return [_row(name, table[name], table["random"], resample) for name in names]


def _plan(order: Rows, words: int) -> BoolArray:
    """What is kept of the words [C, W]: none gone, the bins gone, only these, tenth after tenth."""
    count = len(order)
    firsts = [ceil(share * count) for share in BINS]
    tenths = [round(count * step / TENTHS) for step in range(1, TENTHS + 1)]
    kept = np.ones((1 + 2 * len(BINS) + TENTHS, words), np.bool_)
    for place, first in enumerate(firsts, 1):
        kept[place, order[:first]] = False
        kept[place + len(BINS), order[first:]] = False
    for place, first in enumerate(tenths, 1 + 2 * len(BINS)):
        kept[place, order[:first]] = False
    return kept


def _measures(chances: FloatArray) -> FloatArray:
    """Comprehensiveness, sufficiency, area, and the curve [11], of one order's probabilities."""
    bins = len(BINS)
    curve = np.append(chances[0], chances[1 + 2 * bins :])
    return np.concatenate(
        [
            [chances[0] - chances[1 : 1 + bins].mean()],
            [chances[0] - chances[1 + bins : 1 + 2 * bins].mean()],
            [(curve[1:] + curve[:-1]).sum() / (2 * TENTHS)],  # trapezia
            curve,
        ]
    )


def _row(name: Method, own: FloatArray, random: FloatArray, resample: Rows) -> Faithfulness:
    """The means and intervals of a method, from what every text gave [E, 3 + 11]."""
    count = len(MEASURES)
    whole, alone, area = (_estimate(own[:, place], resample) for place in range(count))
    beyond = {
        measure: _estimate(own[:, place] - random[:, place], resample)
        for place, measure in enumerate(MEASURES)
    }
    curve = own[:, count:].mean(0)
    return Faithfulness(name, whole, alone, area, beyond, curve, own[:, :count])


def _estimate(values: FloatArray, resample: Rows) -> Estimate:
    low, high = np.quantile(values[resample].mean(1), (0.025, 0.975))
    return Estimate(float(values.mean()), float(low), float(high))
