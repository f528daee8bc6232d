"""Clicks on the labels that a user came to see, and found right."""

from dataclasses import dataclass

import numpy as np

from lingym.rewards.counting import correct, units_of_text
from lingym.rewards.feedback.by_chance import ByChance
from lingym.rewards.feedback.judge import Verdicts, decided_units
from lingym.rewards.settings import check_seed
from lingym.types import FloatArray, Labelings

_LEAST = np.finfo(np.float64).tiny  # of a probability that is 0 but for rounding


@dataclass(eq=False)
class Clicks(ByChance):
    """A right label is clicked if it is looked at: 1 for a click, 0 for none.

    The unit at place r (from 1) is looked at with probability 1 / r ** eta (the position-based
    model: Richardson et al., 2007, https://doi.org/10.1145/1242572.1242643). No click does not say
    whether the label is wrong or was not looked at, so late units seem worse than they are.

    With ``debias`` a click counts 1 / probability instead (inverse propensity weighting: Joachims
    et al., 2017, https://arxiv.org/abs/1608.04468), and the mean of the score over users is the
    accuracy again; but for a ``cap``, which trades that for less variance.

    Attributes:
        eta: how fast attention fades, 0 or more; with 0 every unit is looked at.
        debias: weigh each click by how improbable it was; eta and trust must be known then.
        cap: the most that a click may weigh, at least 1; None weighs it in full.
        trust: how probable it is that a wrong label that is looked at is clicked, 0 up to 1. With
            ``debias`` a unit says (weighted click - trust) / (1 - trust).
        seed: of the chance.
    """

    eta: float = 1.0
    debias: bool = False
    cap: float | None = None
    trust: float = 0.0
    seed: int = 0
    name = "clicks"

    def __post_init__(self) -> None:
        """Refuse settings that are no probabilities."""
        if not 0 <= self.eta < np.inf:
            raise ValueError(f"eta is {self.eta}: wanted a finite number, 0 or more")
        if not 0 <= self.trust < 1:
            raise ValueError(f"trust is {self.trust}: wanted a probability below 1")
        if self.cap is not None and (not self.debias or not self.cap >= 1):
            raise ValueError(f"cap is {self.cap}: wanted at least 1, beside debias=True")
        check_seed(self.seed)

    def propensities(self, units: int) -> FloatArray:
        """How probable it is that each unit is looked at, float64 [units]."""
        return np.arange(1, units + 1, dtype=np.float64) ** -self.eta

    def verdicts(self, labelings: Labelings) -> Verdicts:
        """The clicks on the labels given so far."""
        seen = self.propensities(labelings.labels.shape[1])
        # One draw decides both: a wrong label is clicked in a share of the cases of a right one.
        clicked = self.draw(labelings) < seen * np.where(correct(labelings), 1.0, self.trust)
        values = clicked.astype(np.float64)
        if self.debias:
            weight = 1 / np.maximum(seen, _LEAST)
            weight = weight if self.cap is None else np.minimum(weight, self.cap)
            values = (values * weight - self.trust) / (1 - self.trust)
        given = decided_units(labelings) & (labelings.gold >= 0)
        return Verdicts(np.where(given, values, 0.0), given, 1 / units_of_text(labelings))
