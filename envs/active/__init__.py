"""`lingym/ActiveLabelling-v0`: which text to label next, as a game."""

from lingym.envs.active.env import ActiveLabellingEnv
from lingym.envs.active.features import NAMES, candidate_features, density, nearest
from lingym.envs.active.generated import GeneratedOracle
from lingym.envs.active.oracle import Learned, Oracle

__all__ = [
    "NAMES",
    "ActiveLabellingEnv",
    "GeneratedOracle",
    "Learned",
    "Oracle",
    "candidate_features",
    "density",
    "nearest",
]
