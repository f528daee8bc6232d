"""`lingym train --resume RUN`: a run that was stopped goes on, and ends as if it had not been."""

import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from pathlib import Path
from typing import Any, get_args, get_type_hints

from lingym.reading import read_json, wanted
from lingym.scripts.train import Train


@dataclass(frozen=True)
class Resume:
    """Go on with a run.

    Attributes:
        folder: the run's.
    """

    folder: Path

    def run(self) -> None:
        """Train on, and say what came of it.

        Raises:
            ValueError: there is nothing to go on with, or it was made from other files, or this
                user did not begin it and it names code, or leads out of its folder.
        """
        from lingym.scripts.own_code import check_own
        from lingym.scripts.run_files import changed
        from lingym.scripts.run_folder import about_run, refuse_ended, say

        folder = self.folder.absolute()
        config = read_config(self.folder)
        refuse_ended(self.folder)
        begun = Path(config["folder"])
        if begun.is_dir():
            os.chdir(begun)  # paths of options are from there
        told = changed(config["files"])
        if told:
            moved = f". The run began in {begun}, which is gone: go on from where its paths hold"
            raise ValueError(
                f"{self.folder} cannot go on as it began: {', '.join(told)} since then"
                f"{'' if begun.is_dir() else moved}"
            )
        other = other_versions(config["versions"], about_run()["versions"])
        if other:
            say(f"{other}: what is learned may differ from what an unbroken run would have learned")
        with wanted(folder / "config.json", "what a run of this lingym wrote"):
            arguments = replace(options_of(config["arguments"]), out=folder)
            check_own(arguments, config)  # before anything reads the reward
            arguments.check()
        to_its_end(arguments, resume=True, shown=self.folder)


def other_versions(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """Which versions a run began with that are not those of now, in words; empty if all are."""
    other = [name for name in now if before.get(name) != now[name]]
    if not other:
        return ""
    begun, here = (", ".join(f"{n} {each.get(n)}" for n in other) for each in (before, now))
    return f"the run began with {begun}, and goes on with {here}"


def resume_of(words: Sequence[str]) -> Resume | None:
    """What ``train --resume RUN`` asks for; None where the words ask for something else.

    Raises:
        ValueError: other options stand beside it.
    """
    parted = (word.split("=", 1) if word.startswith("--resume=") else [word] for word in words)
    words = [each for parts in parted for each in parts]
    if words[:1] != ["train"] or "--resume" not in words or {"-h", "--help"} & {*words}:
        return None
    place = words.index("--resume")
    others = words[1:place] + words[place + 2 :]
    if others or place + 1 == len(words):
        told = f": leave out {shlex.join(others)}" if others else ""
        raise ValueError(f"--resume RUN takes all options from RUN/config.json{told}")
    return Resume(Path(words[place + 1]))


def to_its_end(arguments: Train, resume: bool = False, shown: Path | None = None) -> None:
    """Train, and say how to go on if the run ends before its end.

    Args:
        arguments: the run's.
        resume: go on with the run that the folder holds.
        shown: the folder as the person wrote it.
    """
    from lingym.agents.checkpoints import RunStopped
    from lingym.scripts.run_folder import say
    from lingym.scripts.signals import Stop
    from lingym.scripts.training import train

    command = shlex.join(["lingym", "train", "--resume", str(shown or arguments.out)])
    stop = Stop(say)
    with stop.listening():
        try:
            train(arguments, resume=resume, stop=stop)
        except RunStopped as stopped:
            say(f"{stopped}\ngo on with: {command}")
            sys.exit(128 + stopped.signal)
        except (OSError, SystemExit):  # NotWritten, and what libraries could not read or write
            if (arguments.out / "config.json").exists():
                say(f"go on with: {command}")
            raise


def read_config(folder: Path) -> dict[str, Any]:
    """What a run's ``config.json`` says.

    Raises:
        ValueError: there is no folder, or no such file, or it is of a lingym that did not keep
            checkpoints.
    """
    file = folder / "config.json"
    if not folder.is_dir():
        raise ValueError(f"there is no folder {folder}: --resume takes the --out of a run")
    if not file.is_file():
        raise ValueError(
            f"{folder} holds no run that has begun: it has no config.json. Give the command that "
            "began it once more"
        )
    try:
        config: dict[str, Any] = read_json(file, nan=True)
        parts = [config[name] for name in ("arguments", "versions", "files")]
        right = all(isinstance(each, dict) for each in parts) and isinstance(config["folder"], str)
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{file} is not what a run of this lingym wrote: {error!r}") from error
    if not right:
        raise ValueError(f"{file} is not what a run of this lingym wrote")
    return config


def options_of(saved: Mapping[str, Any], kind: Any = Train) -> Any:
    """The options that ``config.json`` holds.

    Raises:
        ValueError: one of them is not known.
    """
    hints = get_type_hints(kind)
    unknown = saved.keys() - {field.name for field in fields(kind)}
    if unknown:
        raise ValueError(f"config.json has an option that this lingym has not: {min(unknown)}")
    given: dict[str, Any] = {}
    for name, value in saved.items():
        hint = hints[name]
        if is_dataclass(hint):
            value = options_of(value, hint)
        elif value is not None and Path in (hint, *get_args(hint)) and isinstance(value, str):
            value = Path(value)
        elif isinstance(value, list):
            value = tuple(value)
        given[name] = value
    return kind(**given)
