"""What a labelling is worth: rewards for episodes, metrics for corpora."""

from lingym.rewards.accuracy import Accuracy
from lingym.rewards.base import Reward, RewardError, checked_score, checked_steps
from lingym.rewards.entity_f1 import EntityF1
from lingym.rewards.metrics import corpus_metrics, span_report
from lingym.rewards.sums import WeightedSum

__all__ = [
    "Accuracy",
    "EntityF1",
    "Reward",
    "RewardError",
    "WeightedSum",
    "checked_score",
    "checked_steps",
    "corpus_metrics",
    "span_report",
]
