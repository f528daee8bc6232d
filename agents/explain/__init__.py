"""Why a label was given, what it was worth, and whether the explanation means anything."""

from lingym.agents.explain.explainer import Attribution, Explainer
from lingym.agents.explain.faithfulness import Faithfulness, deletion_test
from lingym.agents.explain.methods import METHODS, Method
from lingym.agents.explain.worth import Worth, worth

__all__ = [
    "METHODS",
    "Attribution",
    "Explainer",
    "Faithfulness",
    "Method",
    "Worth",
    "deletion_test",
    "worth",
]
