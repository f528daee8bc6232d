"""Feedback instead of gold labels: what a user says of a labelling, simulated from gold."""

from lingym.rewards.feedback.abstain import ABSTAIN, Abstain, without_abstain
from lingym.rewards.feedback.bandit import Bandit
from lingym.rewards.feedback.budget import Budget
from lingym.rewards.feedback.clicks import Clicks
from lingym.rewards.feedback.counts import Counts
from lingym.rewards.feedback.delayed import Delayed
from lingym.rewards.feedback.judge import Judge, Verdicts
from lingym.rewards.feedback.noisy import Noisy
from lingym.rewards.feedback.one_score import OneScore
from lingym.rewards.feedback.preference import Preference

__all__ = [
    "ABSTAIN",
    "Abstain",
    "Bandit",
    "Budget",
    "Clicks",
    "Counts",
    "Delayed",
    "Judge",
    "Noisy",
    "OneScore",
    "Preference",
    "Verdicts",
    "without_abstain",
]
