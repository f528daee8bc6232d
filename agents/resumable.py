"""An agent that can go on, to the bit, where another process was stopped.

The state of a run is all that `vars` of its agent holds but what its constructor makes again
(`made_again`), the environment's order, the reward, the callbacks, and the random states of the
process. So an attribute that a later agent adds is kept without a word being said about it; one
that is no data (see `lingym.agents.run_state.flat`) is refused at the start of a run that keeps
checkpoints, and not forgotten.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import torch
from stable_baselines3.common.callbacks import BaseCallback
from torch import Tensor, nn

from lingym.agents.log_position import log_position
from lingym.agents.own_noise import OwnNoise
from lingym.agents.run_state import (
    Tree,
    of_generator,
    of_module,
    to_generator,
    to_module,
)


class Resumable:
    """What `EpisodicAlgorithm` is beside an algorithm: its state, out and in."""

    made_again: ClassVar[frozenset[str]] = frozenset(
        {
            *("policy_class", "policy_kwargs", "device", "verbose", "seed", "start_time"),
            *("_num_timesteps_at_start", "learning_rate", "lr_schedule", "tensorboard_log"),
            *("_last_obs", "_last_episode_starts", "_last_original_obs", "env", "action_noise"),
            *("_vec_normalize_env", "observation_space", "action_space", "_custom_logger"),
            *("rollout_buffer_class", "rollout_buffer_kwargs", "rollout_buffer", "robust"),
            *("clip_range", "clip_range_vf", "_callback", "_logger", "rollout", "judged"),
            *("reward_state", "noise"),
        }
    )
    """Attributes that the constructor or `learn` makes again, or that live within a rollout only;
    a subclass adds its own."""

    policy: Any
    logger: Any
    label_env: Any
    device: torch.device
    noise: OwnNoise
    seed: int | None
    _callback: Any

    def run_state(self) -> Tree:
        """Where the run is, between two rollouts: plain values, arrays and tensors by name.

        Raises:
            TypeError: an attribute is no data, and nothing says how it is kept.
        """
        shared = self._shared()
        return {
            "class": type(self).__name__,
            "agent": {
                name: _out(value, shared)
                for name, value in vars(self).items()
                if name not in self.made_again
            },
            "work": dict(vars(self.policy.work)),
            "env": self.label_env.run_state(),
            "reward": self.label_env.reward.state(),
            "callbacks": {
                name: callback.run_state()
                for name, callback in callbacks_of(self._callback).items()
                if hasattr(callback, "run_state")
            },
            "log": log_position(self.logger),
            "noise": self.noise.state(),
        }

    def load_run_state(self, state: Mapping[str, Any]) -> None:
        """Be where `run_state` was; called by `learn`, once all that it resets is reset.

        Raises:
            ValueError: it is the state of another agent, or of other texts.
        """
        if state["class"] != type(self).__name__:
            raise ValueError(f"the state is a {state['class']}'s and not a {type(self).__name__}'s")
        own = self.made_again & {*state["agent"]}  # where its log goes, say
        if own:
            raise ValueError(f"the state holds {min(own)}, which no agent writes into one")
        shared = self._shared()
        for name, saved in state["agent"].items():
            _in(self, name, saved, shared)
        missing = {name for name in vars(self) if name not in self.made_again} - {*state["agent"]}
        if missing:
            raise ValueError(
                f"the state has nothing of {', '.join(sorted(missing))}: another version of the "
                "agent wrote it, and that one goes on with it"
            )
        vars(self.policy.work).update(state["work"])
        self.label_env.load_run_state(state["env"])
        if state["reward"]:
            self.label_env.reward.load_state(state["reward"])
        known = callbacks_of(self._callback)
        for name, saved in state["callbacks"].items():
            if name not in known and saved.get("needed", True):
                raise ValueError(f"the run had a callback {name}, and this one has none")
            if name in known:
                known[name].load_run_state(saved)
        self.noise.load_state(state["noise"])  # at the end: what comes before may draw

    def _shared(self) -> set[int]:
        """Addresses of the weights that are made again by the constructor, and never change."""
        if self.seed is None:  # then nothing random is made again
            return set()
        return {weight.data_ptr() for weight in self.policy.constant()}


def callbacks_of(callback: Any) -> dict[str, Any]:
    """The callbacks of a run by name, those in lists and in other callbacks too."""
    found: dict[str, Any] = {}
    waiting = [callback]
    while waiting:
        each = waiting.pop(0)
        if isinstance(each, BaseCallback):
            kind = type(each).__name__
            same = sum(name.split(".")[0] == kind for name in found)
            found[f"{kind}.{same}"] = each
            waiting += [*getattr(each, "callbacks", []), getattr(each, "callback", None)]
    return found


def _out(value: Any, shared: set[int]) -> Any:
    if hasattr(value, "run_state"):
        own = value.run_state()
    elif hasattr(value, "load_state"):
        own = value.state()
    elif isinstance(value, nn.Module):
        own = of_module(value, shared)
    elif isinstance(value, np.random.Generator | torch.Generator):
        own = of_generator(value)
    elif isinstance(value, Tensor):  # what is read lies on the CPU
        own = {"value": value, "device": value.device.type}
    else:
        return value
    return {"object": type(value).__name__, "state": own}


def _in(owner: Any, name: str, saved: Any, shared: set[int]) -> None:
    if not isinstance(saved, Mapping) or saved.keys() != {"object", "state"}:
        setattr(owner, name, saved)
        return
    now: Any = getattr(owner, name, None)
    own = saved["state"]
    if isinstance(own, Mapping) and own.keys() == {"value", "device"}:
        on_cpu = own["device"] == "cpu"
        setattr(owner, name, own["value"] if on_cpu else own["value"].to(owner.device))
        return
    if type(now).__name__ != saved["object"]:
        raise ValueError(
            f"the run had a {saved['object']} as {name}, and this one has {now!r}: set it before "
            "the run goes on"
        )
    if hasattr(now, "run_state"):
        now.load_run_state(own)
    elif hasattr(now, "load_state"):
        now.load_state(own)
    elif isinstance(now, nn.Module):
        to_module(now, own, shared)
    else:
        to_generator(now, own)
