"""What an environment asks that does not know how labellers are trained."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from lingym.types import Rows

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Learned:
    """A labeller that was trained on some texts of a pool, as far as a choice depends on it.

    Attributes:
        metric: its score on texts that are set apart.
        features: [E, F] what is known of every text of the pool without its label; see
            `lingym.envs.active.candidate_features`.
    """

    metric: float
    features: Floats


class Oracle(Protocol):
    """Trains a labeller whenever it is asked, the same for the same texts."""

    def __len__(self) -> int:
        """E, the texts of the pool."""

    def __call__(self, labelled: Rows) -> Learned:
        """Train on these texts of the pool, [M] indices, and measure."""
