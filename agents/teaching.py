"""One update of a reward model, with the same care as one of the policy."""

from math import isfinite
from typing import TYPE_CHECKING

import torch

from lingym.agents.guard import NotFinite
from lingym.agents.out_of_memory import Begun, Part, accumulated
from lingym.agents.reward_model import Comparisons, RewardModel
from lingym.agents.update import cut, refused
from lingym.types import Rows

if TYPE_CHECKING:
    from lingym.agents.episodic import EpisodicAlgorithm


def taught(
    agent: "EpisodicAlgorithm",
    model: RewardModel,
    asked: Comparisons,
    rows: Rows,
    max_grad_norm: float,
) -> float | None:
    """Let a reward model learn from a minibatch of comparisons.

    Args:
        agent: whose texts and guard.
        model: the reward model.
        asked: the comparisons.
        rows: [P] which of them; the loss is a mean over these.
        max_grad_norm: what the gradient is cut to.

    Returns:
        The loss; None where no step was taken because a number was not finite.

    Raises:
        NonFiniteError: a number was not finite, and the guard does not leave steps out.
        TextTooLarge: one text alone does not fit into memory.
    """
    examples = asked.examples[rows]
    weights = [w for group in model.optimizer.param_groups for w in group["params"]]

    def begin(part: Part) -> Begun:
        batch = agent.label_env.episodes.batch(examples[part.rows])
        pairs, said = asked.take(rows[part.rows], batch.gold.shape[1])
        loss = model.loss(batch, pairs.to(agent.device), said.to(agent.device))
        value = loss.item()
        if not isfinite(value):
            raise NotFinite(f"the reward model's loss is not finite ({value})", {"loss": value})

        def backward() -> dict[str, float]:
            loss.backward()
            return {}

        return Begun(backward, lambda: len(part.rows), {"loss": value})

    log: dict[str, float] = {}
    try:
        log, _ = accumulated(
            *(begin, weights, agent.label_env.episodes.lengths[examples]),
            lambda part, error: cut(agent, examples[part.rows], error),
        )
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), max_grad_norm)
        if not torch.isfinite(norm):
            raise NotFinite("the reward model's gradient is not finite", {"grad_norm": norm.item()})
    except NotFinite as found:
        refused(agent, str(found), examples, {**log, **found.log}, found, weights)
        return None
    model.optimizer.step()
    return log["loss"]
