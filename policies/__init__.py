"""What maps an observation to a label distribution and a value."""

from lingym.policies.distribution import LabelDistribution
from lingym.policies.policy import LabelPolicy
from lingym.policies.q_policy import LabelQPolicy
from lingym.policies.save import load_heads, read_labels, read_settings, save_policy
from lingym.policies.texts import Texts
from lingym.policies.work import Work

__all__ = [
    "LabelDistribution",
    "LabelPolicy",
    "LabelQPolicy",
    "Texts",
    "Work",
    "load_heads",
    "read_labels",
    "read_settings",
    "save_policy",
]
