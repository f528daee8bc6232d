"""Alarms of a run that collapses: a look at the labeller each time that it is measured on dev."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import hypot, inf, isfinite, sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from lingym.agents.guard import plain, warn
from lingym.agents.probe import Probe
from lingym.types import IntArray

if TYPE_CHECKING:
    from lingym.agents.callbacks import Measurement
    from lingym.agents.episodic import EpisodicAlgorithm
    from lingym.envs import Episodes

SURE = 0.01  # of log K: an entropy below it is none
ONE = 0.995  # a share of units above which a label stands everywhere
MORE = 0.98  # a share below which gold has more than one label
ALIKE = 0.95  # a share of texts whose samples all earn the same, above which nothing is learned
FALL = 0.05  # of the dev metric; on few texts more, as it is noise


@dataclass(frozen=True)
class Point:
    """What is kept of one measurement."""

    metric: float
    one: tuple[str, float] | None  # the label that stands everywhere, and its share
    reward: float | None = None  # the mean since the measurement before, and its error
    error: float = 0.0


class Alarms:
    """Looks at each measurement on dev for a collapse, and says each kind of it once.

    - ``entropy``: a policy that learns from rewards has an entropy under 1 % of log K, and labels
      dev worse than it did, or no better than one label everywhere would: it tries nothing else.
    - ``one_label``: the labels that it gives are one, where gold has more, and it was better
      before, or half of the run is over and it was so the time before too.
    - ``kl``: the mean KL of a unit's labels to the reference policy (by default to the start) is
      above `kl_bound`.
    - ``reward``: the mean reward is clearly above (3 standard errors) what it was when dev was
      best, and dev has fallen since, in two measurements one after the other.
    - ``advantage``: when the run begins, up to its first measurement, all samples of a text earn
      the same, of 95 % of the texts: no sample is better than another, and nothing is learned.
      A warm start that knows its training texts by heart is the usual case.

    Dev fell where the metric is below its best by .05, or by 1/sqrt(texts of dev) where that is
    more: twice the largest standard error of a share. Entropy and KL are those of some texts of
    dev (`lingym.agents.probe`). Nothing here draws a random number.

    Args:
        kl_bound: nats a unit; None: no such alarm. A policy that is not trained yet goes far from
            its start; one that begins from a warm start should not.
        stop: end the run at an alarm.
        tell: says an alarm.

    Attributes:
        raised: the alarms so far, JSON values.
    """

    def __init__(
        self,
        kl_bound: float | None = None,
        stop: bool = False,
        tell: Callable[[str], None] = warn,
    ) -> None:
        if kl_bound is not None and not 0 < kl_bound < inf:
            raise ValueError(f"kl_bound must be above 0, got {kl_bound}")
        self.kl_bound, self.stop, self.tell = kl_bound, stop, tell
        self.raised: list[dict[str, Any]] = []
        self.points: list[Point] = []
        self.probe: Probe | None = None
        self._probed: Mapping[str, Any] | None = None  # of the run that this one goes on from

    @property
    def stopped(self) -> bool:
        """Whether the run is to end."""
        return self.stop and bool(self.raised)

    def look(
        self,
        agent: EpisodicAlgorithm,
        dev: Episodes,
        labels: IntArray,
        now: Measurement,
        metric: str,
    ) -> None:
        """Look at a measurement, the first of which is that of the start.

        Args:
            agent: that learns.
            dev: the dev split.
            labels: [E, U] what the policy gives it.
            now: the measurement.
            metric: the one that decides.
        """
        if self.probe is None:
            self.probe = Probe(dev)
            if self._probed is not None:
                self.probe.load_run_state(self._probed, agent.device)
        start = agent.policy if agent.reference is None else agent.reference
        with agent.policy.work.paused():
            entropy, most, kl = self.probe.measure(agent.policy, start)
        gold = dev.gold_of(np.arange(len(dev)), labels.shape[1])
        same = agent.guard.earned.share_alike
        reward, error = agent.guard.earned.take()
        learns = reward is not None
        point = Point(now.metrics[metric], everywhere(dev, labels, gold), reward, error)
        self.points.append(point)
        if len(self.points) < 2:
            return
        done = 1 - agent._current_progress_remaining
        best = max(self._numbers(), default=-inf)
        margin = max(FALL, 1 / sqrt(len(dev)))
        fell = best - point.metric > margin or not isfinite(point.metric)
        tell = f"dev {metric} {point.metric:.4f}, best {best:.4f}"
        say = _Said(self, now.episodes, {metric: point.metric, "best": best})
        correct = float((labels == gold)[gold >= 0].mean())
        if learns and entropy < SURE * most and (fell or correct <= commonest(gold) + 1e-9):
            say(
                "entropy",
                f"entropy {entropy:.2g} nats a unit, of {most:.2f} possible; {tell}: the policy is "
                "sure of its labels and tries no others. Try an entropy bonus (--ent-coef 0.01), "
                "a lower --learning-rate, or a warm start",
                entropy=entropy,
            )
        again = done >= 0.5 and self.points[-2].one is not None
        if point.one is not None and (again or (fell and self._varied())):
            name, share = point.one
            say(
                "one_label",
                f"{share:.1%} of the units on dev get the label {name}, where gold has more; "
                f"{tell}. Try a lower --learning-rate, a reward that one label does not satisfy "
                "(lingym check-reward says which do), class weights, or more texts",
                label=name,
                share=share,
            )
        if self.kl_bound is not None and kl > self.kl_bound:
            say(
                "kl",
                f"KL {kl:.3g} nats a unit to the policy that the run began with, above "
                f"{self.kl_bound:g}; {tell}. Try --kl-coef 0.05 or more, or a lower "
                "--learning-rate; --alarm-kl sets the bound",
                kl=kl,
            )
        if len(self.points) == 2 and same is not None and same >= ALIKE:
            say(
                "advantage",
                f"all samples of a text earned the same, in {same:.1%} of the texts (mean reward "
                f"{reward:.4g}): the reward teaches nothing there. Try texts that the warm start "
                "was not trained on, --dropout, more --samples, or --ent-coef 0.01",
                share=same,
            )
        base = self._at_best()
        if reward is not None and base is not None and base.reward is not None:
            rise = reward - base.reward
            falling = fell and point.metric <= self.points[-2].metric
            fell_before = best - self.points[-2].metric > margin
            if falling and fell_before and rise > 3 * hypot(error, base.error):
                say(
                    "reward",
                    f"the reward rose from {base.reward:.4f} to {reward:.4f} while {tell}: what "
                    "is rewarded is not what is measured, or the texts are learned by heart. "
                    "Try another reward, --kl-coef, or fewer episodes",
                    reward=reward,
                    reward_at_best=base.reward,
                )

    def _numbers(self) -> list[float]:
        return [point.metric for point in self.points if isfinite(point.metric)]

    def _varied(self) -> bool:
        """Whether the best measurement so far was of several labels."""
        known = [point for point in self.points if isfinite(point.metric)]
        return bool(known) and max(known, key=lambda point: point.metric).one is None

    def _at_best(self) -> Point | None:
        """The best measurement before this one with a reward since the one before it."""
        places = [i for i, point in enumerate(self.points) if isfinite(point.metric)]
        if not places:
            return None
        place = max(1, max(places, key=lambda i: self.points[i].metric))
        return self.points[place] if place < len(self.points) - 1 else None

    def run_state(self) -> dict[str, Any]:
        """What a run that goes on must know."""
        points = [[p.metric, p.one, p.reward, p.error] for p in self.points]
        probe = None if self.probe is None else self.probe.run_state()
        return {"raised": list(self.raised), "points": points, "probe": probe}

    def load_run_state(self, state: Mapping[str, Any]) -> None:
        """Go on from what `run_state` gave, with the same dev split."""
        self.raised = list(state["raised"])
        self.points = [Point(*each) for each in state["points"]]
        self.probe, self._probed = None, state["probe"]


class _Said:
    """Says an alarm, once of each kind, and keeps it."""

    def __init__(self, alarms: Alarms, episodes: int, numbers: Mapping[str, float]) -> None:
        self.alarms, self.episodes, self.numbers = alarms, episodes, numbers

    def __call__(self, name: str, message: str, **numbers: Any) -> None:
        if any(alarm["alarm"] == name for alarm in self.alarms.raised):
            return
        message = f"alarm after {self.episodes} texts: {message}"
        known = {"alarm": name, "episodes": self.episodes, **numbers, **self.numbers}
        self.alarms.raised.append(plain({**known, "message": message}))
        self.alarms.tell(message)


def everywhere(dev: Episodes, labels: IntArray, gold: IntArray) -> tuple[str, float] | None:
    """The label that stands everywhere though gold has more, and its share; None where none does.

    Of units of several kinds, each of which has labels of its own, those of one kind are enough.

    Args:
        dev: the texts.
        labels: [E, U] given.
        gold: [E, U].
    """
    kinds = np.zeros_like(gold)
    if dev.kinds is not None:
        kinds = dev.of_units(dev.kinds, np.arange(len(dev)), labels.shape[1])
    for kind in np.unique(kinds[gold >= 0]):
        own = (kinds == kind) & (gold >= 0)
        given = labels[own & (labels >= 0)]
        if not len(given) or commonest(np.where(own, gold, -1)) >= MORE:
            continue
        counts = np.bincount(given)
        share = float(counts.max() / len(given))
        if share >= ONE:
            label = int(counts.argmax())
            names = dev.space.names
            return names[label] if names else f"candidate {label}", share
    return None


def commonest(gold: IntArray) -> float:
    """The share of the commonest label among units that have one."""
    known = gold[gold >= 0]
    return float(np.bincount(known).max() / len(known)) if len(known) else 1.0
