"""One update of an agent: loss, gradient, and a step that is taken if all of it are numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from math import isfinite
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from lingym.agents.guard import NotFinite, all_finite, wrong
from lingym.agents.inspection import inspected, too_large
from lingym.agents.out_of_memory import Begun, Part, accumulated
from lingym.rewards.base import NonFiniteReward
from lingym.types import IntArray, Rows

if TYPE_CHECKING:
    from lingym.agents.episodic import EpisodicAlgorithm
    from lingym.agents.ppo import Rollout

Log = dict[str, float]
LossOf = Callable[[Rows], tuple[Tensor, Log]]
"""The loss on some rows of a minibatch, and what to log of it."""
ROLLOUT = ("log_probs", "values", "advantages", "returns")


def updated(
    agent: EpisodicAlgorithm,
    loss_of: LossOf,
    examples: Rows,
    enough: Callable[[Mapping[str, float]], bool] = lambda log: False,
) -> Log | None:
    """Make one update of the policy.

    Args:
        agent: whose policy, passes and guard.
        loss_of: the loss on rows of the minibatch; it is a mean over units, or over what the
            agent told `Passes.over`.
        examples: [B] the texts of the minibatch.
        enough: told the log before the step, whether none is to be taken.

    Returns:
        The log, with ``grad_norm`` where a step was taken; None where it was left out because a
        number was not finite.

    Raises:
        NonFiniteError: a number was not finite, and the guard does not leave steps out.
        RewardError: a reward was not, likewise.
        TextTooLarge: one text alone does not fit into memory.
    """
    optimizer = agent.policy.optimizer
    # Not all of the policy's: to walk through an encoder takes longer than to train a head.
    trained = [w for group in optimizer.param_groups for w in group["params"]]
    episodes = agent.label_env.episodes

    def begin(part: Part) -> Begun:
        loss, log = agent.passes.loss(partial(loss_of, part.rows), part.decided)
        if not isfinite(log["loss"] if "loss" in log else loss.item()):  # one number is fetched
            told = wrong(log) or f"loss {loss.item()}"
            raise NotFinite(f"the loss is not finite ({told})", log)
        units = int(episodes.lengths[examples[part.rows]].sum())
        mass = agent.passes.mass
        return Begun(lambda: agent.passes.backward(loss), mass or (lambda: units), log)

    cause: Exception
    log: Log = {}
    try:
        log, told = accumulated(
            *(begin, trained, episodes.lengths[examples]),
            lambda part, error: cut(agent, examples[part.rows], error),
            enough,
        )
        if enough(log):
            return log
        log["grad_norm"] = agent._step(trained, told)
        return log
    except NotFinite as found:
        cause, what, numbers = found, str(found), {**log, **found.log}
    except NonFiniteReward as error:
        cause, what, numbers = error, str(error), {}
        if len(error.examples):
            examples = error.examples
    except (RuntimeError, ValueError, IndexError) as error:
        # Labels drawn from what is no number: the error speaks of what came of it.
        if all_finite(trained):
            raise
        cause, what, numbers = error, f"the policy gives what is no label ({error})", {}
    finally:
        agent.passes.forget()
    refused(agent, what, examples, numbers, cause, trained)
    return None


def finite_rollout(
    agent: EpisodicAlgorithm, examples: IntArray, label: Callable[[IntArray], Rollout]
) -> Rollout | None:
    """A rollout on these texts without those whose numbers are not finite; None without texts.

    Args:
        agent: whose guard.
        examples: [B] the texts.
        label: makes the rollout.

    Raises:
        NonFiniteError: there are such, and the guard does not leave them out.
        RewardError: it was the reward that gave such, likewise.
    """
    while len(examples):
        cause: Exception | None = None
        try:
            rollout = label(examples)
        except NonFiniteReward as error:
            bad: Rows = error.examples if len(error.examples) else examples
            what, cause = str(error), error
        else:
            names = [name for name in ROLLOUT if not getattr(rollout, name).isfinite().all()]
            if not names:
                return rollout
            numbers = torch.stack([getattr(rollout, name) for name in names])  # [n, S, B, U]
            bad = examples[~numbers.isfinite().all(-1).all(0).all(0).cpu().numpy()]
            what = f"the {' and '.join(names).replace('_', '-')} of a rollout are not finite"
        trained = [w for group in agent.policy.optimizer.param_groups for w in group["params"]]
        refused(agent, what, bad, {}, cause, trained)
        examples = examples[~np.isin(examples, bad)]
    return None


def refused(
    agent: EpisodicAlgorithm,
    what: str,
    examples: Rows,
    numbers: Log,
    cause: Exception | None,
    trained: Sequence[nn.Parameter] = (),
) -> None:
    """Have the guard take note of a step that is not taken; it raises, or the step is left out."""
    for weight in trained:
        weight.grad = None
    rate = agent.policy.optimizer.param_groups[0]["lr"]
    known = {
        "after": {"texts": agent.num_episodes, "labels": agent.num_timesteps},
        "loss": {name: value for name, value in numbers.items() if name != "grad_norm"},
        "grad_norm": numbers.get("grad_norm"),
        "learning_rate": float(rate),
    }
    texts = inspected(agent.label_env.episodes, examples, agent.judged)
    agent.guard.refuse(f"{what} after {agent.num_episodes} texts", texts, known, cause, trained)
    agent.logger.record("train/skipped", agent.guard.skipped)


def cut(agent: EpisodicAlgorithm, examples: Rows, error: BaseException) -> None:
    """Say that texts do not fit into memory together; an error where it is one."""
    if len(examples) > 1:
        agent.guard.short_of_memory(len(examples))
        return
    raise too_large(agent.label_env.episodes, int(examples[0]), error) from error
