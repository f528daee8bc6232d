"""A policy on disk: safetensors and JSON, data only; nothing is unpickled, no code is run.

A model folder holds

- ``model.safetensors`` and ``config.json``: the encoder, as a stock Hugging Face classifier where
  there is one that computes the same (`lingym.policies.stock`); of a part-trained encoder
  ``tuned.safetensors`` with what was trained (`lingym.policies.save_encoder`);
- ``policy.safetensors``: the heads, and which label may follow which;
- ``lingym.json``: the label names and the policy's arguments;
- ``base``: for a policy that corrects a frozen labeller, that labeller's own model folder.
"""

import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import Any, get_args

import numpy as np
import torch
from safetensors.torch import save_file

from lingym.policies.policy import History, LabelPolicy
from lingym.policies.save_encoder import save_encoder
from lingym.policies.texts import Pooling
from lingym.policies.trusted import read_tensors
from lingym.policies.tuned_encoder import of_settings
from lingym.policies.widen import abstains_beside, widened
from lingym.rewards import ABSTAIN
from lingym.trusted import check_folder, read_json
from lingym.types import Form, LabelSpace, Quota

FORMAT, PARTS = 1, 2
"""Of a model folder: of one whose encoder was trained as a whole, and of one that was not."""
SETTINGS = ("pooling", "history", "constrained", "autocast")
VALUES: dict[str, tuple[Any, ...]] = {
    "of_text": (False, True),
    "pooling": get_args(Pooling),
    "history": get_args(History),
    "constrained": (False, True),
    "autocast": (False, True),
}
MOST_LABELS = 20_000
ENCODER = "encoder."
BASE = "base"
"""The folder, in a model's, of the labeller that it corrects (`lingym.policies.residual`)."""
ELSEWHERE = (ENCODER, f"{BASE}.")
"""Weights that are not of the heads."""


def save_policy(policy: LabelPolicy, folder: Path, stock: bool = True, **more: Any) -> None:
    """Write a policy's weights, labels and settings into a folder.

    Args:
        policy: the policy.
        folder: is made if need be; files of the same names are replaced.
        stock: whether a stock classifier of words or texts would mean the same as the policy.
        more: further settings to keep, JSON values.
    """
    folder.mkdir(parents=True, exist_ok=True)
    encoder = save_encoder(policy, folder, stock)
    heads = {
        name: value.detach().cpu().contiguous()
        for name, value in policy.state_dict().items()
        if not name.startswith(ELSEWHERE)
    }
    if policy.labels.transitions is not None:
        heads["transitions"] = torch.from_numpy(policy.labels.transitions).to(torch.uint8)
    save_file(heads, folder / "policy.safetensors")
    settings = {
        "format": PARTS if "tuning" in encoder else FORMAT,
        "labels": list(policy.labels.names),
        "of_text": policy.labels.of_text,
        "space": _rules(policy.labels),
        **encoder,
        **{name: getattr(policy, name) for name in SETTINGS},
        **({} if policy.verbaliser is None else {"verbaliser": policy.verbaliser}),
        **more,
    }
    text = json.dumps(settings, indent=2, ensure_ascii=False) + "\n"
    (folder / "lingym.json").write_text(text, encoding="utf-8")


def read_settings(folder: Path) -> dict[str, Any]:
    """The settings of a model folder.

    Raises:
        ValueError: the folder is not one that `save_policy` wrote; the message says why.
    """
    file = folder / "lingym.json"
    if not file.is_file():
        raise ValueError(f"{folder} is no lingym model: it has no lingym.json")
    check_folder(folder)
    settings = read_json(file)
    wanted = {"format", "labels", "of_text", *SETTINGS}
    if not isinstance(settings, dict) or not wanted <= settings.keys():
        raise ValueError(f"{file} must hold {', '.join(sorted(wanted))}")
    if settings["format"] not in (FORMAT, PARTS):
        known = f"{FORMAT} and {PARTS}"
        raise ValueError(f"{file} has format {settings['format']}; this lingym reads {known}")
    if "tuning" in settings:
        of_settings(settings["tuning"], file)
    names, space = settings["labels"], settings.get("space", {})
    listed = _names(names)
    if not isinstance(space, dict):
        raise ValueError(f"{file}: space is {space!r}; wanted an object")
    least = 0 if space.get("form") == "candidates" else 2
    if not listed or len(names) < least:
        raise ValueError(f"{file}: labels must be a list of two or more names that differ")
    if len(names) > MOST_LABELS:  # which may follow which is a matrix
        raise ValueError(f"{file} has {len(names):,} labels; at most {MOST_LABELS:,} are read")
    for name, values in VALUES.items():
        if settings[name] not in values:
            raise ValueError(f"{file}: {name} is {settings[name]!r}; wanted one of {values}")
    fault = _fault(space, len(names))
    if fault:
        raise ValueError(f"{file}: space {fault}")
    return settings


def kept_verbaliser(settings: dict[str, Any]) -> dict[str, Any]:
    """The argument ``verbaliser`` of a saved policy; none where its head is linear.

    Raises:
        ValueError: it is no list of token ids for each label.
    """
    said = settings.get("verbaliser")
    if said is None:
        return {}
    fair = isinstance(said, list) and len(said) == len(settings["labels"])
    if not fair or not all(isinstance(row, list) and row for row in said):
        raise ValueError(f"lingym.json: verbaliser is {said!r}; wanted token ids for each label")
    if not all(_whole(token, 0) for row in said for token in row):
        raise ValueError(f"lingym.json: verbaliser is {said!r}; wanted token ids for each label")
    return {"verbaliser": tuple(tuple(row) for row in said)}


def _names(value: Any) -> bool:
    """Whether a value is a list of names that differ."""
    listed = isinstance(value, list) and all(isinstance(name, str) for name in value)
    return listed and len(set(value)) == len(value)


def _whole(value: Any, least: int, below: float = math.inf) -> bool:
    return type(value) is int and least <= value < below


def _fault(space: dict[str, Any], count: int) -> str:
    """What is wrong with the rules of a label space of `count` names as `_rules` writes them."""
    known = {"form", "roles", "kinds", "mixed", "stop", "span", "kind_of_label", "quota"}
    if not space.keys() <= known:
        return f"has {min(space.keys() - known)!r}; known are {', '.join(sorted(known))}"
    form, roles, kinds = (
        space.get(k, d) for k, d in (("form", "units"), ("roles", []), ("kinds", []))
    )
    owners, quota, span = (space.get(name) for name in ("kind_of_label", "quota", "span"))
    fair = isinstance(quota, dict) and quota.keys() == {"label", "limit", "required"}
    checks = {
        "form": form in get_args(Form) and (form != "candidates" or not count),
        "roles": _names(roles) and bool(roles) == (form != "units"),
        "kinds": _names(kinds) and (not kinds or form == "units"),
        "kind_of_label": owners is None
        if not kinds
        else isinstance(owners, list)
        and len(owners) == count
        and all(_whole(owner, 0, len(kinds)) for owner in owners),
        "mixed": space.get("mixed", False) in (False, True)
        and not (space.get("mixed") and not kinds),
        "stop": space.get("stop") is None or _whole(space["stop"], 0, count),
        "span": span is None or (_whole(span, 1) and form == "candidates" and len(roles) == 2),
        "quota": quota is None
        or (
            fair
            and _whole(quota["label"], 0, count)
            and (quota["limit"] is None or _whole(quota["limit"], 0))
            and type(quota["required"]) is bool
        ),
    }
    wrong = [name for name, right in checks.items() if not right]
    return f"has {wrong[0]} {space.get(wrong[0])!r}, which cannot be" if wrong else ""


def read_heads(folder: Path) -> dict[str, torch.Tensor]:
    """The tensors of ``policy.safetensors``.

    Raises:
        ValueError: the file is missing or torn, or holds what no head has: NaN, or whole numbers.
    """
    return read_tensors(folder / "policy.safetensors", but=("transitions",))


def read_labels(folder: Path) -> LabelSpace:
    """The labels of a model folder, and which may follow which."""
    settings, heads = read_settings(folder), read_heads(folder)
    transitions, count = heads.get("transitions"), len(settings["labels"])
    if transitions is not None and transitions.dtype != torch.uint8:
        raise ValueError(f"{folder}/policy.safetensors: transitions are {transitions.dtype}")
    if transitions is not None and transitions.shape != (count + 1, count):
        raise ValueError(
            f"{folder}/policy.safetensors says of {tuple(transitions.shape)} labels which may "
            f"follow which, and lingym.json names {count}"
        )
    rules: dict[str, Any] = dict(settings.get("space", {}))
    quota, kinds = rules.pop("quota", None), rules.pop("kind_of_label", None)
    space: Any = LabelSpace  # what `read_settings` found to be sound
    return space(
        tuple(settings["labels"]),
        None if transitions is None else transitions.bool().numpy(),
        bool(settings["of_text"]),
        kind_of_label=None if kinds is None else np.array(kinds, np.int32),
        quota=None if quota is None else Quota(**quota),
        **{name: tuple(v) if isinstance(v, list) else v for name, v in rules.items()},
    )


def _rules(space: LabelSpace) -> dict[str, Any]:
    """What a label space says beside names and transitions, where it differs from the default."""
    plain = LabelSpace(space.names)
    names = ("form", "roles", "kinds", "mixed", "stop", "span")
    rules = {n: getattr(space, n) for n in names if getattr(space, n) != getattr(plain, n)}
    if space.kind_of_label is not None:
        rules["kind_of_label"] = space.kind_of_label.tolist()
    if space.quota is not None:
        rules["quota"] = asdict(space.quota)
    return rules


def load_heads(policy: LabelPolicy, folder: Path) -> None:
    """Put the saved heads into a policy whose encoder was read from the same folder.

    A policy that can abstain can take the heads of one that cannot (`lingym.policies.widen`).
    A policy with history can take the heads of one without: what it adds stays zero, so it begins
    with the same labels.

    Raises:
        ValueError: the labels or the shapes differ.
    """
    saved = read_labels(folder)
    ours = policy.labels
    wider = abstains_beside(ours, saved)
    names = (*saved.names, ABSTAIN) if wider else saved.names
    if (names, saved.form, saved.roles) != (ours.names, ours.form, ours.roles):
        theirs = {*saved.names, *saved.roles}
        only = sorted(theirs ^ {*ours.names, *ours.roles})
        raise ValueError(
            f"{folder} was trained on other labels: {len(saved.names)} against "
            f"{len(policy.labels.names)} here, differing in {', '.join(only[:10]) or 'order'}"
        )
    heads = {name: value for name, value in read_heads(folder).items() if name != "transitions"}
    own = policy.state_dict()
    if wider:
        heads = widened(heads, own, ours)
    for name, value in heads.items():
        if name in own and own[name].shape != value.shape:
            raise ValueError(
                f"{folder}/policy.safetensors: {name} has the shape {tuple(value.shape)}, and "
                f"this policy's has {tuple(own[name].shape)}"
            )
    found = policy.load_state_dict(heads, strict=False)
    missing = [name for name in found.missing_keys if not name.startswith(ELSEWHERE)]
    added = {"transition", "value_transition"}
    if found.unexpected_keys or not set(missing) <= added:
        raise ValueError(
            f"{folder} holds another kind of policy: it lacks {missing or 'nothing'}, and has "
            f"{found.unexpected_keys or 'nothing'} that this one lacks (see history=)"
        )
