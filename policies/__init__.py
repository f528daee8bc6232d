"""What maps an observation to a label distribution and a value."""

from lingym.policies.copies import (
    frozen_copy,
    light_copy,
    load_trained,
    trained_parameters,
    trained_weights,
)
from lingym.policies.distribution import LabelDistribution
from lingym.policies.encoder_tuning import Tuning
from lingym.policies.feature_cache import FeatureCache, default_folder
from lingym.policies.policy import LabelPolicy
from lingym.policies.q_policy import LabelQPolicy
from lingym.policies.residual import ResidualPolicy, saved_policy
from lingym.policies.save import load_heads, read_labels, read_settings, save_policy
from lingym.policies.texts import Texts
from lingym.policies.work import Work

__all__ = [
    "FeatureCache",
    "LabelDistribution",
    "LabelPolicy",
    "LabelQPolicy",
    "ResidualPolicy",
    "Texts",
    "Tuning",
    "Work",
    "default_folder",
    "frozen_copy",
    "light_copy",
    "load_heads",
    "load_trained",
    "read_labels",
    "read_settings",
    "save_policy",
    "saved_policy",
    "trained_parameters",
    "trained_weights",
]
