"""How a policy learns: Stable-Baselines3 algorithms on whole episodes."""

from lingym.agents.adapter import LabelVecEnv
from lingym.agents.alarms import Alarms
from lingym.agents.checkpoints import Checkpoints
from lingym.agents.consolidation import Consolidation, fisher_information
from lingym.agents.ensemble import Ensemble
from lingym.agents.evaluate import evaluate, predict_labels
from lingym.agents.expected import ExpectedReward
from lingym.agents.guard import Guard, NonFiniteError
from lingym.agents.labeller import Labeller
from lingym.agents.minimum_risk import MinimumRisk
from lingym.agents.online import OnlineLearner
from lingym.agents.online_settings import OnlineSettings
from lingym.agents.ppo import PPO
from lingym.agents.preference import PreferenceLearning
from lingym.agents.reinforce import REINFORCE
from lingym.agents.replay import Reservoir
from lingym.agents.robustness import Robustness
from lingym.agents.sarsa import SARSA
from lingym.agents.supervised import Supervised

__all__ = [
    "PPO",
    "REINFORCE",
    "SARSA",
    "Alarms",
    "Checkpoints",
    "Consolidation",
    "Ensemble",
    "ExpectedReward",
    "Guard",
    "LabelVecEnv",
    "Labeller",
    "MinimumRisk",
    "NonFiniteError",
    "OnlineLearner",
    "OnlineSettings",
    "PreferenceLearning",
    "Reservoir",
    "Robustness",
    "Supervised",
    "evaluate",
    "fisher_information",
    "predict_labels",
]
