"""Which texts to label next: scores, diversity, bandits over them, and a policy that learns it."""

from lingym.agents.active.bandits import EXP3, UCB1, Bandit, inclusion, scaled, weighted_accuracy
from lingym.agents.active.choose import HOWS, How, Picked, choose
from lingym.agents.active.chooser import Chooser, learn_chooser
from lingym.agents.active.diversity import badge, k_center
from lingym.agents.active.oracle import HeadOracle
from lingym.agents.active.view import View

__all__ = [
    "EXP3",
    "HOWS",
    "UCB1",
    "Bandit",
    "Chooser",
    "HeadOracle",
    "How",
    "Picked",
    "View",
    "badge",
    "choose",
    "inclusion",
    "k_center",
    "learn_chooser",
    "scaled",
    "weighted_accuracy",
]
