"""What `lingym tune` searches: knobs, each an option of `lingym train` and the values it may have.

A file of them is YAML, one knob a line: a list of choices, or the bounds of a range.
"""

import types
from contextlib import suppress
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Union, get_args, get_origin

from lingym.scripts.compare.yaml_marks import read_yaml
from lingym.scripts.groups import DEFAULTS, HINTS, PLACES, value_of, with_options
from lingym.scripts.train import Train
from lingym.scripts.train_check import OWN_KEYS, check_numbers

if TYPE_CHECKING:
    from optuna import Trial

WARM = "warm_passes"
HELD = (
    *("out", "task", "corpus", "train", "dev", "test", "train_limit", "dev_limit", "test_limit"),
    *("reading", "options", "agent", "warm_start", "metric", "eval_every", "keep_best", "seed"),
    *("device", "threads", "progress", "episodes"),
)
"""Options that every trial has the same of: with others, scores could not be compared."""
RANGE = ("low", "high", "log", "step")


@dataclass(frozen=True)
class Knob:
    """One option and what it may be: a choice, or a range from low to high, both in it."""

    name: str
    choices: tuple[Any, ...] = ()
    low: float = 0
    high: float = 0
    log: bool = False
    step: float | None = None
    whole: bool = False

    def suggest(self, trial: "Trial") -> Any:
        """The trial's value."""
        if self.choices:
            return trial.suggest_categorical(self.name, self.choices)
        if self.whole:
            step = int(self.step or 1)
            return trial.suggest_int(
                self.name, int(self.low), int(self.high), log=self.log, step=step
            )
        return trial.suggest_float(self.name, self.low, self.high, log=self.log, step=self.step)

    def values(self) -> tuple[Any, ...]:
        """All values, for a grid.

        Raises:
            ValueError: a range without steps.
        """
        if self.choices:
            return self.choices
        step = self.step or (1 if self.whole and not self.log else None)
        if step is None:
            raise ValueError(
                f"--sampler grid wants choices: {self.name} is a range without a step. Give a list "
                "of values in --space FILE"
            )
        count = int((self.high - self.low) / step + 1e-9) + 1
        found = tuple(self.low + place * step for place in range(count))
        return tuple(int(value) for value in found) if self.whole else found

    def told(self) -> Any:
        """As a file has it."""
        if self.choices:
            return list(self.choices)
        bounds: dict[str, Any] = {"low": self.low, "high": self.high}
        return (
            bounds
            | ({"log": True} if self.log else {})
            | ({} if self.step is None else {"step": self.step})
        )

    def extremes(self) -> tuple[Any, ...]:
        """What to try for whether `lingym train` takes it."""
        return self.choices or (self.low, self.high)


def read_space(file: Path, base: Train) -> tuple[Knob, ...]:
    """The knobs of a file, in its order.

    Args:
        file: YAML such as ``learning_rate: {low: 1.0e-5, high: 2.0e-4, log: true}`` or
            ``samples: [4, 8, 16]``.
        base: the options that are not searched.

    Raises:
        ValueError: ``file:line`` of what is no knob, no range, or nothing for this agent.
    """
    top = read_yaml(file)
    places = top.mapping("a space")
    if not places:
        top.fail("wanted knobs, such as samples: [4, 8]")
    return tuple(
        knob(name, place.value(), f"{file}:{place.line}", base) for name, place in places.items()
    )


def knob(name: str, content: Any, where: str, base: Train) -> Knob:
    """One knob as a file gives it, checked.

    Args:
        name: of the option.
        content: a list of choices, or a mapping with low and high, and maybe log or step.
        where: the file and line, for errors.
        base: the options that are not searched.

    Raises:
        ValueError: starts with ``where``.
    """
    kind = kind_of(name, where)
    takers = [agent for agent, names in OWN_KEYS.items() if name in names]
    if takers and base.agent not in takers:
        raise ValueError(f"{where}: {name} is for --agent {', '.join(takers)}, not {base.agent}")
    if name != WARM and value_of(base, name) != DEFAULTS.get(name):
        raise ValueError(f"{where}: {name} is given on the command line, too: leave out one")
    if isinstance(content, list) and content:
        made = Knob(name, tuple(converted(kind, value, name, where) for value in content))
        if len(set(map(repr, made.choices))) < len(made.choices):
            raise ValueError(f"{where}: {name} has a choice twice: {content}")
    elif isinstance(content, dict) and {"low", "high"} <= content.keys() <= set(RANGE):
        made = ranged(name, kind, content, where)
    else:
        raise ValueError(
            f"{where}: {name} is {content!r}: wanted a list of choices, or "
            "{low: ..., high: ...} with log: true or step: ..."
        )
    for value in made.extremes():
        if name == WARM:
            if value < 0:
                raise ValueError(f"{where}: {name} must be 0 or more, got {value}")
            continue
        try:
            check_numbers(with_options(base, {name: value}))
        except ValueError as error:
            raise ValueError(f"{where}: {error}") from error
    return made


def ranged(name: str, kind: Any, content: dict[str, Any], where: str) -> Knob:
    """A knob with a range."""
    if kind not in (int, float):
        raise ValueError(f"{where}: {name} has no range: wanted a list of choices")
    low, high = (converted(kind, content[end], name, where) for end in ("low", "high"))
    log, step = content.get("log", False), content.get("step")
    if low is None or high is None or not low < high:
        raise ValueError(f"{where}: {name} from {low} to {high}: wanted a low below the high")
    if not isinstance(log, bool):
        raise ValueError(f"{where}: log of {name} is {log!r}: wanted true or false")
    if step is not None:
        step = converted(kind, step, name, where)
        if log or not step > 0:
            raise ValueError(f"{where}: step of {name} is {step}: wanted above 0, and no log")
    if log and low <= 0:
        raise ValueError(f"{where}: {name} from {low}: log wants a low above 0")
    return Knob(name, (), low, high, log, step, kind is int)


def kind_of(name: str, where: str) -> Any:
    """The type of an option that can be searched: int, float, bool, str, or a Literal.

    Raises:
        ValueError: there is none, or it cannot be searched.
    """
    if name == WARM:
        return int
    if name in HELD or PLACES.get(name) in HELD:
        raise ValueError(f"{where}: {name} cannot be searched: all trials have the same")
    if name not in HINTS:
        near = get_close_matches(name, [WARM, *searched()])
        told = f": did you mean {', '.join(near)}?" if near else ", see lingym train --help"
        raise ValueError(f"{where}: lingym train has no option {name!r}{told}")
    hint = HINTS[name]
    if get_origin(hint) in (Union, types.UnionType):
        hint = next(inner for inner in get_args(hint) if inner is not type(None))
    return hint


def searched() -> list[str]:
    """The options that can be searched."""
    return [name for name in HINTS if name not in HELD and PLACES.get(name) not in HELD]


def converted(kind: Any, value: Any, name: str, where: str) -> Any:
    """A value as the option has it; YAML reads 1e-5 as a string, which is meant as a number."""
    if get_origin(kind) is Literal:
        if value in get_args(kind):
            return value
        raise ValueError(f"{where}: {name} is {value!r}: wanted {', '.join(get_args(kind))}")
    if kind is float and isinstance(value, str):
        with suppress(ValueError):
            value = float(value)
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if type(value) is not kind:
        wanted = {int: "a whole number", float: "a number", bool: "true or false", str: "text"}
        raise ValueError(f"{where}: {name} is {value!r}: wanted {wanted.get(kind, kind)}")
    return value
