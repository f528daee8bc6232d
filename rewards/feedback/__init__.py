"""Feedback instead of gold labels: what a user says of a labelling, simulated from gold."""

from lingym.rewards.feedback.bandit import Bandit
from lingym.rewards.feedback.judge import Judge, Verdicts
from lingym.rewards.feedback.one_score import OneScore

__all__ = ["Bandit", "Judge", "OneScore", "Verdicts"]
