"""Many runs of `lingym train` in one folder: those that are done are not done again."""

import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from lingym.reading import read_json, wanted
from lingym.scripts.alone import alone
from lingym.scripts.going_on import can_go_on
from lingym.scripts.groups import completed
from lingym.scripts.train import Train
from lingym.scripts.training import say, train

FREE = ("out", "progress", "threads", "saving")
"""Arguments that may differ when a run is taken for the same."""


def run_once(arguments: Train, score_test: bool = True, **more: Any) -> dict[str, Any]:
    """What came of a run: read if it was done, else done now.

    A run that was broken off goes on from its checkpoint, if it has one and was made from the same
    files by the same versions; else, or where there is more than its options, it is done again.

    Args:
        arguments: the options of `lingym train`.
        score_test: score the test split, if there is one and the run is not done yet.
        more: further arguments of `lingym.scripts.training.train`, if the run is not done yet.

    Returns:
        What stands in ``metrics.json``.

    Raises:
        ValueError: the folder holds a run with other options, or another process works on it.
    """
    config, metrics = arguments.out / "config.json", arguments.out / "metrics.json"
    if config.exists():
        now = json.loads(json.dumps(asdict(arguments), default=str))
        with wanted(config, "the options of a run"):
            begun = read_json(config, nan=True)
            before = completed(begun["arguments"])
        names = sorted((before.keys() | now.keys()) - set(FREE))
        other = [name for name in names if before.get(name) != now.get(name)]
        if other:
            told = ", ".join(f"{n} {before.get(n)!r}, now {now.get(n)!r}" for n in other)
            raise ValueError(
                f"{arguments.out} holds a run with other options ({told}): give another --out, or "
                "remove it"
            )
        if metrics.exists():
            say(f"{arguments.out} is there already, with these options: not done again")
        elif not more and can_go_on(arguments, begun):
            say(f"{arguments.out} was broken off: it goes on")
            more = {"resume": True}
        else:
            say(f"{arguments.out} was broken off: done again from its beginning")
            with alone(arguments.out):
                shutil.rmtree(arguments.out)
    if not metrics.exists():
        train(arguments, **more) if score_test else train(arguments, score_test=False, **more)
    done = read_json(metrics, nan=True)
    if not isinstance(done, dict):
        raise ValueError(f"{metrics}: wanted what came of a run, an object by names")
    return done


def option(name: str, value: Any, where: str, known: Mapping[str, Any]) -> Any:
    """An option of `lingym train` as a file gives it.

    Args:
        name: of the option.
        value: as it was read.
        where: the file and the table, for errors.
        known: the options with their defaults.

    Raises:
        ValueError: there is no such option, or its value is of another type.
    """
    if name not in known:
        raise ValueError(f"{where}: lingym train has no option {name!r}")
    default = known[name]
    if isinstance(default, bool) != isinstance(value, bool):
        raise ValueError(f"{where}: {name} is {value!r}: wanted {type(default).__name__}")
    if isinstance(default, int | float) and not isinstance(value, int | float):
        raise ValueError(f"{where}: {name} is {value!r}: wanted a number")
    return value
