"""An `OnlineLearner` on disk: safetensors and JSON, data only; nothing is unpickled.

A folder holds ``model``, which `Labeller.load` reads and so do ``lingym evaluate`` and ``predict``,
and ``online``: ``state.json`` (settings, counts, random states) and ``state.safetensors`` (the
optimiser's moments, and the texts that wait or are remembered, as token ids).
"""

import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from lingym.agents.labeller import Labeller
from lingym.agents.online import OnlineLearner
from lingym.agents.online_settings import OnlineSettings
from lingym.agents.replay import Shown, alone, nameless
from lingym.envs import Episodes
from lingym.envs.episodes import Encoding
from lingym.envs.tasks import TASKS
from lingym.envs.tasks.abstaining import known_task
from lingym.envs.tokenizer import UnitTokenizer
from lingym.policies import load_trained, trained_weights
from lingym.trusted import check_folder, header_of, read_json

FORMAT = 1
COUNTS = ("labelled", "updates", "given_up", "mean")
ARRAYS = (
    *("tokens", "units", "window_bounds", "text_bounds", "unit_bounds", "groups"),
    *("kinds", "costs"),
)
NUMBERS = ("labels", "log_probs", "behaviour", "rewards")


def save(learner: OnlineLearner, folder: Path) -> None:
    """Write a learner; an older one in the folder is replaced."""
    folder.mkdir(parents=True, exist_ok=True)
    learner.labeller.save(folder / "model")
    shown = [*learner.waiting.values(), *learner.ready, *learner.memory.items]
    tensors = _of_optimiser(learner.policy.optimizer) | _of_shown(shown)
    tensors["generator"] = learner.generator.get_state()
    if learner.reference is not None:
        weights = trained_weights(learner.reference)
        tensors |= {f"reference.{name}": weight for name, weight in weights.items()}
    state = {
        "format": FORMAT,
        "settings": asdict(learner.settings),
        "columns": learner.columns,
        **{name: getattr(learner, name) for name in COUNTS},
        "ids": [each.id for each in shown],
        "waiting": len(learner.waiting),
        "ready": len(learner.ready),
        "seen": learner.memory.seen,
        "random": learner.random.bit_generator.state,
        "device": learner.policy.device.type,
    }
    own = folder / "online"
    own.mkdir(exist_ok=True)
    whole = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
    save_file(whole, own / "state.safetensors.new")
    (own / "state.json.new").write_text(json.dumps(state, indent=2) + "\n", encoding="utf-8")
    for name in ("state.safetensors", "state.json"):
        os.replace(own / f"{name}.new", own / name)


def is_online(folder: str | Path) -> bool:
    """Whether a folder holds a learner that `OnlineLearner.load` reads."""
    return (Path(folder) / "online" / "state.json").is_file()


def load(folder: Path, device: str = "auto") -> OnlineLearner:
    """Read what `save` wrote.

    Raises:
        ValueError: the folder holds no such learner, or is torn.
    """
    file = folder / "online" / "state.json"
    if not file.is_file():
        raise ValueError(
            f"{folder} holds no labeller that learns online: it has no online/state.json"
        )
    check_folder(folder)
    state = read_json(file)
    header_of(folder / "online" / "state.safetensors")
    try:
        tensors = load_file(folder / "online" / "state.safetensors")
    except (OSError, SafetensorError) as error:
        raise ValueError(f"{folder}/online cannot be read: {error}") from None
    if not isinstance(state, dict) or state.get("format") != FORMAT:
        raise ValueError(f"{file} is not of format {FORMAT}, which this lingym reads")
    try:
        settings = OnlineSettings(**state["settings"])
    except (KeyError, TypeError) as error:
        raise ValueError(f"{file}: settings that this lingym does not know: {error}") from None
    labeller = Labeller.load(folder, device)
    try:
        return _learner(labeller, settings, state, tensors)
    except (AssertionError, IndexError, KeyError, RuntimeError, TypeError, ValueError) as error:
        raise ValueError(f"{file} is torn: {type(error).__name__}: {str(error)[:200]}") from None


def _learner(
    labeller: Labeller, settings: OnlineSettings, state: dict[str, Any], tensors: dict[str, Tensor]
) -> OnlineLearner:
    """The learner as its files say it was."""
    learner = OnlineLearner(labeller, settings, state["columns"])
    for name in COUNTS:
        setattr(learner, name, state[name])
    _to_optimiser(learner.policy.optimizer, tensors)
    learner.random.bit_generator.state = state["random"]
    kind = learner.policy.device.type
    if state.get("device", kind) == kind:
        learner.generator.set_state(tensors["generator"])
    else:  # the state of a GPU's generator means nothing to a CPU's, and the other way round
        learner.generator.manual_seed(int(learner.random.integers(2**63)))
    shown = _to_shown(learner.labeller, tensors, state["ids"])
    waiting, ready = state["waiting"], state["waiting"] + state["ready"]
    learner.waiting = {each.id: replace(each, rewards=None) for each in shown[:waiting]}
    learner.ready, learner.memory.items = shown[waiting:ready], shown[ready:]
    learner.memory.seen = state["seen"]
    if learner.reference is not None:
        part = {n[10:]: tensor for n, tensor in tensors.items() if n.startswith("reference.")}
        load_trained(learner.reference, part)
    return learner


def _of_optimiser(optimiser: Any) -> dict[str, Tensor]:
    """The moments of each parameter, by its place and name."""
    states = optimiser.state_dict()["state"]
    return {
        f"optimiser.{place}.{name}": value
        for place, own in states.items()
        for name, value in own.items()
    }


def _to_optimiser(optimiser: Any, tensors: dict[str, Tensor]) -> None:
    states: dict[int, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        kind, *rest = key.split(".")
        if kind == "optimiser":
            states.setdefault(int(rest[0]), {})[rest[1]] = value
    groups = optimiser.state_dict()["param_groups"]
    optimiser.load_state_dict({"state": states, "param_groups": groups})


def _of_shown(shown: Sequence[Shown]) -> dict[str, Tensor]:
    """Texts that were shown, one after another."""
    if not shown:
        return {}
    texts = shown[0].text.joined(*(each.text for each in shown[1:]))
    arrays = {name: getattr(texts, name) for name in ARRAYS}
    arrays["decided"] = np.array([len(each.labels) for each in shown], np.int64)
    for name in NUMBERS:
        arrays[name] = np.concatenate([_numbers(each, name) for each in shown])
    known = ((name, array) for name, array in arrays.items() if array is not None)
    return {f"shown.{name}": torch.from_numpy(array) for name, array in known}


def _numbers(shown: Shown, name: str) -> Any:
    """What is known of each label; zeros for rewards that have not come."""
    values = getattr(shown, name)
    return np.zeros(len(shown.labels)) if values is None else values


def _to_shown(labeller: Labeller, tensors: dict[str, Tensor], ids: Iterable[int]) -> list[Shown]:
    known = {n[6:]: t.numpy() for n, t in tensors.items() if n.startswith("shown.")}
    if not known:
        return []
    assert labeller.task is not None
    space = labeller.policy.labels
    units = UnitTokenizer(labeller.tokenizer)
    arrays: dict[str, Any] = {name: known.get(name) for name in ARRAYS}
    texts = Episodes(
        task=known_task(TASKS[labeller.task], space, **labeller.settings),
        space=space,
        gold=np.full(int(known["unit_bounds"][-1]), -1, np.int32),
        facts={},
        pad=units.pad,
        vocab_size=labeller.tokenizer.get_vocab_size(with_added_tokens=True),
        examples=[nameless(place) for place in ids],
        encoding=Encoding(units, labeller.max_tokens, labeller.overflow),
        **arrays,
    )
    ends = np.cumsum(known["decided"])
    shown = []
    for place, id in enumerate(ids):
        own = slice(int(ends[place] - known["decided"][place]), int(ends[place]))
        shown.append(Shown(id, alone(texts, place), *(known[name][own] for name in NUMBERS)))
    return shown
