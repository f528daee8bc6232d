"""What an episode is worth to a measure of the whole corpus, over running counts."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lingym.rewards.averages import Measure
from lingym.rewards.base import Reward, RewardError
from lingym.rewards.corpus_counts import Totals, Units
from lingym.rewards.counting import summed
from lingym.rewards.running import RunningCounts
from lingym.types import FloatArray, Labelings, LabelSpace


@dataclass(eq=False)
class CorpusReward(Reward):
    """The marginal worth of an episode to a measure F of the corpus; the formulas are a subclass's.

    With running counts C of true positives, predictions and gold by type, over N episodes, and an
    episode's own counts d,

        score = N grad F(C) . d   ~   N (F(C + d) - F(C)),

    in points of F times episodes. What is compared with is leaving the episode out. The part of its
    gold does not depend on the labels, and any baseline removes it. The episodes that were counted
    are worth 0 on average, since F stays where it is when all counts grow alike: labels that are
    better than the running ones earn more than 0, and worse ones less.

    The counts move in ``observe`` only, after a batch was scored. To C and N belong as many pseudo
    counts as ``prior`` says, always: they judge the first batch, keep one rare hit from being worth
    a thousand common ones, and matter little once there is something to count. ``measure`` and the
    log leave them out.

    Attributes:
        half_life: the episodes in which an old one loses half its weight, so that the counts follow
            the policy; each of several samples of a text is one. None forgets nothing.
        start: the share of the pseudo predictions that are right, 0 to 1: the F to begin with.
        prior: so many pseudo episodes, each with one gold thing and one prediction, spread evenly
            over the types; over 0.
        exact: N (F(C + d) - F(C)) itself, which differs where an episode is large beside C.
        dense: score a prefix as though the rest were O, or had no label, against the whole gold;
            the first step then pays the gold part. Else only the whole labelling.
    """

    half_life: float | None = 2000.0
    start: float = 0.5
    prior: float = 10.0
    exact: bool = False
    dense: bool = False
    named = True
    _units: Units | None = field(default=None, init=False, repr=False)
    _measure: Measure = field(init=False, repr=False)
    _running: RunningCounts = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Refuse settings that give no score."""
        if self.half_life is not None and not 0 < self.half_life < np.inf:
            raise ValueError(
                f"half_life is {self.half_life}: wanted a number of episodes over 0, or None"
            )
        if not 0 <= self.start <= 1:
            raise ValueError(f"start is {self.start}: wanted 0 <= start <= 1")
        if not 0 < self.prior < np.inf:
            raise ValueError(f"prior is {self.prior}: wanted a finite number over 0")
        self.sparse = not self.dense

    def _read(self, space: LabelSpace) -> tuple[Units, Measure]:
        """What is counted of these labels, and the measure of the counts.

        Raises:
            ValueError: the reward cannot score these labels.
        """
        raise NotImplementedError

    def bind(self, space: LabelSpace) -> None:
        """Read the labels, and begin to count.

        Raises:
            ValueError: the reward cannot score these labels.
        """
        super().bind(space)
        if self._units is None:  # a second environment goes on with the counts of the first
            self._units, self._measure = self._read(space)
            self._running = RunningCounts.empty(self._units.types, self.half_life)

    def score(self, labelings: Labelings) -> FloatArray:
        """The worth of each episode, float64 [B]; negative where it lowers the measure."""
        totals = self.counts(labelings)
        if self.exact:
            present, number = self._present()
            after = Totals(*(c + d for c, d in zip(present, totals, strict=True)))
            worth = number * (self._measure.value(after) - self._measure.value(present))
        else:
            slope = self._worth()
            worth = summed(
                slope.right * totals.right + slope.given * totals.given + slope.gold * totals.gold
            )
        return np.where(self.scored(labelings), worth, 0.0)

    def steps(self, labelings: Labelings) -> FloatArray:
        """Rises of the worth, float64 [B, U]; in closed form but for ``exact``."""
        if self.sparse or self.exact:
            return super().steps(labelings)
        changes = self._bound().changes(labelings)
        right, given, _ = (np.append(worth, 0.0) for worth in self._worth())
        steps: FloatArray = right[changes.kind] * changes.right
        steps += given[changes.kind] * changes.given
        steps[:, :1] += self._gold_part(labelings)[:, None]
        return steps

    def table(self, labelings: Labelings, count: int) -> FloatArray | None:
        """What each label adds, float64 [B, U, K], the gold part at each first unit.

        None for entities, and where ``exact``.
        """
        gold = labelings.gold
        options = self._bound().options(gold.shape[1])
        if options is None or self.exact:
            return None
        right, given, _ = (np.append(worth, 0.0)[options] for worth in self._worth())
        table = given + right * (gold[..., None] == np.arange(count))
        table = np.where(gold[..., None] >= 0, table, 0.0)
        table[:, :1] += self._gold_part(labelings)[:, None, None]
        return table

    def counts(self, labelings: Labelings) -> Totals:
        """What each episode adds to the counts of each type, float64 [B, T] each."""
        units = self._bound()
        return units.changes(labelings).totals(len(units.types))

    def observe(self, labelings: Labelings) -> None:
        """Count these episodes."""
        counts = self.counts(labelings)  # which has words for a forgotten bind
        self._running.observe(counts)

    def measure(self) -> float | None:
        """The measure of the episodes observed, old ones with less weight; None before any."""
        if self._units is None or not self._running.episodes:
            return None
        return float(self._measure.value(self._running.totals))

    @property
    def of_counts(self) -> Measure:
        """The measure that counts are put into."""
        self._bound()
        return self._measure

    def readings(self) -> dict[str, float]:
        """The measure, by the reward's name."""
        value = self.measure()
        return {} if value is None else {self.name: value}

    def state(self) -> dict[str, Any]:
        """The running counts."""
        return {} if self._units is None else self._running.state()

    def load_state(self, state: dict[str, Any]) -> None:
        """Go on from running counts.

        Raises:
            ValueError: they are those of other types.
        """
        self._bound()
        try:
            self._running.load(state)
        except ValueError as error:
            raise ValueError(f"reward {self.name}: {error}") from error

    def _bound(self) -> Units:
        if self._units is None:
            _ = self.space  # an error with words where bind was forgotten
            raise RewardError(f"reward {self.name} has labels, but its bind was overridden")
        return self._units

    def _present(self) -> tuple[Totals, float]:
        """The running counts and episodes, pseudo ones among them."""
        each = self.prior / len(self._bound().types)
        pseudo = Totals(*(np.array(each * share) for share in (self.start, 1.0, 1.0)))
        totals = Totals(*(c + p for c, p in zip(self._running.totals, pseudo, strict=True)))
        return totals, self._running.episodes + self.prior

    def _worth(self) -> Totals:
        """What one more of each count is worth, float64 [T] each."""
        self._bound()
        totals, number = self._present()
        return Totals(*(number * slope for slope in self._measure.gradient(totals)))

    def _gold_part(self, labelings: Labelings) -> FloatArray:
        """What the gold of each episode is worth whichever labels it gets, float64 [B]."""
        part = summed(self._worth().gold * self.counts(labelings).gold)
        return np.where(labelings.lengths > 0, part, 0.0)
