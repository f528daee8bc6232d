"""How a labeller learns while it serves."""

from dataclasses import dataclass
from typing import Literal, get_args

from lingym.agents.replay import Weights


@dataclass(frozen=True)
class OnlineSettings:
    """How an `OnlineLearner` learns.

    Attributes:
        batch_size: feedbacks to an update.
        learning_rate: of the encoder; the heads' is ten times as high.
        replay: the share of an update that is old texts, in [0, 1).
        memory: the most old texts kept, a uniform sample of all.
        weights: how old labels are weighed; see `lingym.agents.replay.off_policy_loss`, or
            ``clipped``, the loss of new ones.
        max_weight: the highest importance weight.
        clip_range: how far the probability of a new text's label may move in an update and still
            be pushed (PPO).
        n_epochs: passes over each update's texts.
        temperature: labels are drawn from the policy's probabilities to the power 1 / temperature:
            1 samples, less explores less, 0 gives the most probable labels and explores nothing.
        baseline: what feedback is compared with: the running ``mean``, or the ``value`` head's.
        gamma: how much of later units' feedback a label is credited with. 1 where feedback is about
            the whole text; 0 where each unit's feedback is about its own label.
        vf_coef: weight of the value loss, with the ``value`` baseline.
        ent_coef: weight of the entropy.
        kl_coef: weight of the KL to the policy that the learner began with.
        max_grad_norm: the gradient is cut to this norm.
        pending: the most texts that wait for feedback; the oldest are then given up.
        seed: of labels drawn and texts replayed.
    """

    batch_size: int = 16
    learning_rate: float = 2e-5
    replay: float = 0.5
    memory: int = 10_000
    weights: Weights = "tapered"
    max_weight: float = 1.0
    clip_range: float = 0.2
    n_epochs: int = 1
    temperature: float = 1.0
    baseline: Literal["mean", "value"] = "mean"
    gamma: float = 1.0
    vf_coef: float = 0.5
    ent_coef: float = 0.0
    kl_coef: float = 0.0
    max_grad_norm: float = 1.0
    pending: int = 100_000
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse what cannot be.

        Raises:
            ValueError: a setting is out of its range.
        """
        if self.weights not in get_args(Weights):
            known = ", ".join(get_args(Weights))
            raise ValueError(f"weights must be one of {known}, got {self.weights!r}")
        if self.baseline not in ("mean", "value"):
            raise ValueError(f"baseline must be mean or value, got {self.baseline!r}")
        ranges = {
            "batch_size": self.batch_size >= 1,
            "n_epochs": self.n_epochs >= 1,
            "pending": self.pending >= 1,
            "memory": self.memory >= 0,
            "learning_rate": 0 < self.learning_rate < float("inf"),
            "replay": 0 <= self.replay < 1,
            "max_weight": 0 < self.max_weight < float("inf"),
            "clip_range": 0 < self.clip_range < 1,
            "temperature": 0 <= self.temperature < float("inf"),
            "gamma": 0 <= self.gamma <= 1,
        }
        wrong = [name for name, right in ranges.items() if not right]
        if wrong:
            raise ValueError(f"{wrong[0]} cannot be {getattr(self, wrong[0])}")

    @property
    def replayed(self) -> int:
        """Old texts of an update."""
        return round(self.batch_size * self.replay / (1 - self.replay))
