"""`lingym/ParameterTuning-v0`: a few parameters of a frozen labeller, tuned on its scores."""

from lingym.envs.tuning.env import ParameterTuningEnv
from lingym.envs.tuning.generated import generated_scores
from lingym.envs.tuning.measures import default_metric, measure
from lingym.envs.tuning.parameters import Parameters
from lingym.envs.tuning.scores import Scores
from lingym.envs.tuning.summary import summary_names

__all__ = [
    "ParameterTuningEnv",
    "Parameters",
    "Scores",
    "default_metric",
    "generated_scores",
    "measure",
    "summary_names",
]
