"""The doctor of rewards: what a reward says of labelings whose worth is known."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from lingym.envs import Episodes
from lingym.envs.game import Game
from lingym.rewards import Reward, checked_score
from lingym.rewards.base import RewardError
from lingym.rewards.probes import differing, rank_correlation
from lingym.scripts.doctor_labelings import GOLD, RANDOM, WORSENING, Labellers
from lingym.types import FloatArray, IntArray

POLICIES = (0.99, 0.95, 0.8, 0.0)
"""How often the policies are right that draw labelings; the last draws evenly."""
TYPICAL = 0.95
SAMPLES = 4
CHUNK = 512
"""Episodes scored at once."""


@dataclass(frozen=True)
class Patient:
    """A reward in its game, on the texts that it is looked at with.

    The game hides gold labels where the reward asks for it; the labelings are made by `labellers`,
    which keeps them.
    """

    game: Game
    texts: IntArray
    labellers: Labellers

    @classmethod
    def of(cls, episodes: Episodes, reward: Reward, texts: int, seed: int) -> "Patient":
        """Take some texts by chance, all if there are fewer.

        Raises:
            ValueError: texts without gold labels, or a reward that cannot score the task.
        """
        if not episodes.labelled:
            raise ValueError("some texts have no gold labels: nothing to compare with")
        chosen = np.random.default_rng(seed).permutation(len(episodes))[:texts]
        rows = np.sort(chosen).astype(np.int32)
        return cls(Game(episodes, reward, 1), rows, Labellers(episodes, rows, seed))

    def score(self, labels: IntArray, what: str) -> FloatArray:
        """The scores of a labelling of all texts, float64 [B].

        Raises:
            RewardError: the reward failed on it; the message says on which.
        """
        scores = np.zeros(len(self.texts))
        for start in range(0, len(self.texts), CHUNK):
            rows = slice(start, start + CHUNK)
            batch = self.game.episodes.batch(self.texts[rows])
            given = labels[rows, : batch.gold.shape[1]]
            try:
                scores[rows] = checked_score(self.game.reward, batch.complete(given))
            except RewardError as error:
                raise RewardError(f"labels {what!r}: {error}") from error
        return scores

    def warm(self, seed: int) -> bool:
        """Let a reward that learns see the texts once, 95 % right; whether it is such a reward."""
        before = self.game.reward.state()
        self.observe(self.labellers.right(TYPICAL, seed))
        return self.game.reward.state() != before

    def observe(self, labels: IntArray) -> None:
        """Let a reward that learns see a labelling of all texts, [B, U]."""
        for start in range(0, len(self.texts), CHUNK):
            batch = self.game.episodes.batch(self.texts[start : start + CHUNK])
            given = labels[start : start + CHUNK, : batch.gold.shape[1]]
            self.game.reward.observe(batch.complete(given))


@dataclass(frozen=True)
class Findings:
    """What was found; `scores` and `wrong` by labelling, [B] each."""

    scores: dict[str, FloatArray]
    wrong: dict[str, IntArray]
    units: int
    signal: dict[str, dict[str, float]]
    between: float
    """The part of the variance that lies between texts, for a policy that is 95 % right."""

    @property
    def steps(self) -> dict[str, dict[str, float]]:
        """For each labelling and the next worse one, in which part of the texts what happens.

        Of the ``texts`` that have more wrong labels in the worse one, it is worth ``less``, as much
        (``alike``) or ``more``.
        """
        shares = {}
        for one, other in pairwise(WORSENING):
            worse = self.wrong[other] > self.wrong[one]
            rise = self.scores[other] - self.scores[one]
            number = max(1, int(worse.sum()))
            shares[f"{one} > {other}"] = {
                "texts": int(worse.sum()),
                "less": float((rise[worse] < -1e-12).sum() / number),
                "alike": float((np.abs(rise[worse]) <= 1e-12).sum() / number),
                "more": float((rise[worse] > 1e-12).sum() / number),
            }
        return shares

    @property
    def falls(self) -> bool:
        """Whether the mean falls from each labelling to the next worse one."""
        means = [self.scores[name].mean() for name in WORSENING]
        return all(worse < better for better, worse in pairwise(means))

    @property
    def spearman(self) -> float:
        """Rank correlation of score and wrong labels, over texts and labelings but lazy ones."""
        scores = np.concatenate([self.scores[name] for name in WORSENING])
        wrong = np.concatenate([self.wrong[name] for name in WORSENING])
        return rank_correlation(scores, wrong.astype(np.float64))

    def share_of_gold(self, name: str) -> float | None:
        """What a labelling earns of what gold labels earn.

        Where some score is negative: of the way from random labels to gold ones. None where gold
        labels earn nothing more.
        """
        below = self.scores[RANDOM].mean() if min(map(np.min, self.scores.values())) < 0 else 0.0
        most = self.scores[GOLD].mean() - below
        return float((self.scores[name].mean() - below) / most) if most > 0 else None

    def json(self) -> dict[str, Any]:
        """All of it, as JSON values."""
        return {
            "labelings": {
                name: {
                    "wrong": float(self.wrong[name].sum() / self.units),
                    **{key: float(getattr(s, key)()) for key in ("mean", "std", "min", "max")},
                    "share_of_gold": self.share_of_gold(name),
                }
                for name, s in self.scores.items()
            },
            "order": {"falls": self.falls, "spearman": self.spearman, "pairs": self.steps},
            "signal": self.signal,
            "between_texts": self.between,
        }


def examine(patient: Patient, seed: int) -> Findings:
    """Score the labelings of known worth, and those that policies would draw."""
    labellers = patient.labellers
    labelings = labellers.all()
    signal, between = {}, 0.0
    for place, share in enumerate(POLICIES):
        seeds = [seed + 10 + SAMPLES * place + sample for sample in range(SAMPLES)]
        drawn = [labellers.right(share, own) for own in seeds]
        name = f"{share:.0%} right".replace("%", " %") if share else RANDOM
        scores = np.stack([patient.score(labels, name) for labels in drawn])
        different = labellers.distinct(drawn)
        signal[name] = {
            "labelings_differ": float(different.mean()),
            "scores_differ": float(differing(scores).mean()),
            "std_within": float(scores.std(0).mean()),
        }
        if share == TYPICAL and scores.var():
            between = float(scores.mean(0).var() / scores.var())
    return Findings(
        {name: patient.score(labels, name) for name, labels in labelings.items()},
        {name: labellers.wrong(labels) for name, labels in labelings.items()},
        int((labellers.batch.gold >= 0).sum()),
        signal,
        between,
    )
