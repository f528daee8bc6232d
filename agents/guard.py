"""Numbers that go wrong: the step is not taken, and what they came from is kept to be looked at."""

import json
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from math import isfinite
from pathlib import Path
from typing import Any, Literal, get_args

import torch
from torch import Tensor

from lingym.agents.earned import Earned
from lingym.agents.inspection import opening
from lingym.files import replace_file
from lingym.policies.steps import NonFiniteError
from lingym.rewards import RewardError

OnNonfinite = Literal["stop", "skip"]
FILE = "nonfinite.json"
NAMED = 8  # texts that a message names; the file has all
ADVICE = "lower the learning rate, or look at the reward"


class NotFinite(FloatingPointError):
    """What is raised within an update, before it is known what is to be done about it.

    Args:
        what: what is not finite.
        log: the numbers of the update that are known by then.
    """

    def __init__(self, what: str, log: Mapping[str, float]) -> None:
        super().__init__(what)
        self.log = dict(log)


def warn(message: str) -> None:
    """A warning, at the place in lingym that has something to say."""
    warnings.warn(message, stacklevel=3)


class Guard:
    """What an agent does about a number that is NaN or infinite: no step is taken in any case.

    Set it as an agent's `guard` before `learn`.

    Args:
        on_nonfinite: ``stop`` ends the run with an error that names the texts; ``skip`` leaves the
            step out, says so the first time, counts it (``train/skipped``) and goes on.
        most_skipped: ``skip``: the next one after so many ends the run.
        folder: where ``nonfinite.json`` is written, which holds the texts, the labels that were
            given, the rewards, the parts of the loss and the gradient's norm of each such step;
            None writes none.
        tell: says what a person should know.

    Attributes:
        skipped: the steps that were left out.
        found: what ``nonfinite.json`` holds.
        earned: the scores of labelings since the last measurement, which `Alarms` takes.

    Raises:
        ValueError: an argument is none of these.
    """

    def __init__(
        self,
        on_nonfinite: OnNonfinite = "stop",
        most_skipped: int = 100,
        folder: str | Path | None = None,
        tell: Callable[[str], None] = warn,
    ) -> None:
        if on_nonfinite not in get_args(OnNonfinite):
            raise ValueError(f"on_nonfinite must be stop or skip, got {on_nonfinite!r}")
        if most_skipped < 0:
            raise ValueError(f"most_skipped must be 0 or more, got {most_skipped}")
        self.on_nonfinite, self.most_skipped = on_nonfinite, most_skipped
        self.folder = None if folder is None else Path(folder)
        self.tell = tell
        self.skipped = 0
        self.found: list[dict[str, Any]] = []
        self.told_memory = False
        self.earned = Earned()

    def refuse(
        self,
        what: str,
        texts: Sequence[Mapping[str, Any]],
        numbers: Mapping[str, Any],
        cause: BaseException | None = None,
        weights: Iterable[Tensor] = (),
        advice: str = ADVICE,
    ) -> None:
        """Take note of a step that must not be taken; returns where it is to be left out.

        Args:
            what: what is not finite, as a clause.
            texts: of the batch (see `lingym.agents.inspection.inspected`).
            numbers: what else is known of the step, by name.
            cause: the error that it came to light by; a reward's error is raised again as such.
            weights: those of the policy: where they are broken, no further step can be taken.
            advice: what to try.

        Raises:
            NonFiniteError: the run is to stop, or too much was left out. A `RewardError` if the
                cause was one.
        """
        self.found.append({"what": what, **plain(numbers), "texts": plain(texts)})
        where = self._write()
        broken = not all_finite(weights)
        message = f"{what}{_named(texts)}: no step was taken{where}"
        stop = self.on_nonfinite == "stop"
        if broken:
            message += "; the policy's weights are no longer finite, so that no step can be"
        elif not stop and self.skipped >= self.most_skipped:
            message += f"; {self.skipped} steps were left out before, and no more may be"
        elif not stop:
            self.skipped += 1
            if self.skipped == 1:
                self.tell(f"{message}; the run goes on, and counts them (train/skipped): {advice}")
            return
        kind = type(cause) if isinstance(cause, RewardError) else NonFiniteError
        raise kind(f"{message}: {advice}") from cause

    def short_of_memory(self, texts: int) -> None:
        """Say, the first time, that a batch of so many texts did not fit and is halved."""
        if not self.told_memory:
            self.told_memory = True
            self.tell(
                f"out of memory on a batch of {texts} texts: it is cut into halves, and so are "
                "others where needed. The gradient is that of the whole batch, but where labels "
                "were not drawn yet each half draws its own, compares them with its own mean, and "
                "has its own dropout. A smaller batch size is faster"
            )

    def run_state(self) -> dict[str, Any]:
        """What a run that goes on must know."""
        return {
            "skipped": self.skipped,
            "found": list(self.found),
            "told_memory": self.told_memory,
            "earned": self.earned.run_state(),
        }

    def load_run_state(self, state: Mapping[str, Any]) -> None:
        """Go on from what `run_state` gave."""
        self.earned.load_run_state(state["earned"])
        self.skipped, self.found = int(state["skipped"]), list(state["found"])
        self.told_memory = bool(state["told_memory"])

    def _write(self) -> str:
        """Write the file; the words that name it."""
        if self.folder is None:
            return ""
        self.folder.mkdir(parents=True, exist_ok=True)
        file = self.folder / FILE
        text = json.dumps({"steps": self.found}, indent=2, ensure_ascii=False, allow_nan=False)
        replace_file(file, text + "\n")
        return f", and the batch is in {file}"


def all_finite(weights: Iterable[Tensor]) -> bool:
    """Whether all of these are numbers."""
    return all(bool(torch.isfinite(weight).all()) for weight in weights)


def wrong(log: Mapping[str, float]) -> str:
    """The numbers of a log that are not finite, in words."""
    return ", ".join(f"{name} {value}" for name, value in log.items() if not isfinite(value))


def plain(value: Any) -> Any:
    """JSON values; what JSON has no number for becomes ``"nan"``, ``"inf"`` or ``"-inf"``."""
    if isinstance(value, Mapping):
        return {str(name): plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    return str(value) if isinstance(value, float) and not isfinite(value) else value


def _named(texts: Sequence[Mapping[str, Any]]) -> str:
    """Where the texts of a batch stand, and how each begins; nothing where none is known."""
    if not texts:
        return ""
    said = (f" ({opening(text['text'])})" if text["text"] else "" for text in texts)
    listed = ", ".join(
        f"{text['where']}{words}" for text, words in zip(texts[:NAMED], said, strict=False)
    )
    more = f", and {len(texts) - NAMED} more" if len(texts) > NAMED else ""
    return f", in {'a batch of ' if len(texts) > 1 else ''}{_count(len(texts))}: {listed}{more}"


def _count(texts: int) -> str:
    return "the text" if texts == 1 else f"{texts} texts"
