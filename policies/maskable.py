"""The policy for `sb3_contrib.MaskablePPO`, which asks for a class of its own."""

from sb3_contrib.common.maskable.policies import MaskableActorCriticPolicy

from lingym.policies.policy import LabelPolicy


class MaskableLabelPolicy(LabelPolicy, MaskableActorCriticPolicy):  # type: ignore[misc]
    """`LabelPolicy`, recognised by MaskablePPO; needs the extra ``lingym[masked]``."""
