"""Options of `lingym train` as a study file gives them: known names, right types, a whole run."""

import math
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from types import NoneType
from typing import Any, Literal, get_args, get_origin

from lingym.scripts.arguments import Reading, TaskOptions
from lingym.scripts.groups import HINTS as KNOWN
from lingym.scripts.groups import with_options
from lingym.scripts.train import Train
from lingym.scripts.train_check import OWN_KEYS

FILES = ("corpus", "train", "dev", "test")
OF_DATA = (
    *("task", *FILES, "train_limit", "dev_limit", "test_limit"),
    *(field.name for group in (Reading, TaskOptions) for field in fields(group)),
)
"""The options that say what is read: the same for all arms of a data set."""

OF_SPLITS = (*OF_DATA, "limit_seed", "few_shot", "few_shot_seed")
"""With that which draws the training texts: no arm learns from others."""

OF_STUDY = {
    "out": "each run has a folder of its own",
    "warm_start": "say start: warm",
    "episodes": "the passes of a data set say it: warm and more",
    "eval_every": "say measures",
    "metric": "a data set says it",
    "seed": "say seeds",
    "keep_best": "the best on dev is kept, in all runs",
    "patience": "all runs use all their passes",
    "progress": "the command shows how far it is",
    "mix": "a study has each data set by itself",
}
"""What a study decides itself, and in what other words to say it."""

_WORDS = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "text",
    Path: "a path",
}


def converted(name: str, value: Any) -> Any:
    """An option's value in the type that `Train` has for it.

    YAML 1.1 reads ``5e-5``, which has no dot, as text: text that is a number will do for one.

    Raises:
        ValueError: it is of another type, or not one of those that there are.
    """
    kinds = _kinds(KNOWN[name])
    for kind in kinds:
        if get_origin(kind) is Literal:
            if isinstance(value, str) and value in get_args(kind):
                return value
        elif get_origin(kind) is tuple:
            wanted = len(get_args(kind))
            if isinstance(value, list) and [type(v) for v in value] == [int] * wanted:
                return tuple(value)
        elif kind is NoneType:
            if value is None:
                return None
        elif kind in (int, float):
            number = _number(value)
            if number is not None and kind is float:
                return number
            if number is not None and number == int(number):
                return int(number)
        elif kind is Path and isinstance(value, str):
            return Path(value)
        elif type(value) is kind:
            return value
    raise ValueError(f"{name} must be {' or '.join(map(_told, kinds))}, got {value!r}")


def make_train(options: Mapping[str, Any], out: Path) -> Train:
    """A run with these options, those of a group in its place."""
    return with_options(Train(out=out), {k: v for k, v in options.items() if k in KNOWN})


def fitting(options: Mapping[str, Any], agent: str) -> dict[str, Any]:
    """Of options for all runs, those that an agent takes: ``samples`` is not for supervised.

    ``label_smoothing`` is for supervised alone: RL has a use for it only beside ``gold_coef``.
    """
    of_some = {name for names in OWN_KEYS.values() for name in names}
    foreign = of_some - set(OWN_KEYS[agent])
    if agent == "supervised":
        foreign.add("reward")
    else:
        foreign.add("label_smoothing")
    return {name: value for name, value in options.items() if name not in foreign}


def _kinds(hint: Any) -> tuple[Any, ...]:
    """The types that an annotation joins by ``|``."""
    if get_origin(hint) in (Literal, tuple) or isinstance(hint, type):
        return (hint,)
    return get_args(hint)


def _number(value: Any) -> float | None:
    """A finite number, also one written as text; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (OverflowError, ValueError):
        return None
    return number if math.isfinite(number) else None


def _told(kind: Any) -> str:
    """A type in words."""
    if get_origin(kind) is Literal:
        return f"one of {', '.join(map(str, get_args(kind)))}"
    if get_origin(kind) is tuple:
        return f"a list of {len(get_args(kind))} whole numbers"
    return "null" if kind is NoneType else _WORDS[kind]
