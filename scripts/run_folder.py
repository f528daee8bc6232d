"""The folder of a run: what was asked for, what came of it."""

import json
import platform
import shlex
import shutil
import sys
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import lingym
from lingym.files import replace_file
from lingym.rewards.own import files
from lingym.scripts.own_code import mark_of
from lingym.scripts.run_files import files_of
from lingym.scripts.train import Train

PACKAGES = ("torch", "transformers", "stable-baselines3", "gymnasium", "numpy")


def refuse_old_run(folder: Path) -> None:
    """Make sure that no run is overwritten.

    Raises:
        ValueError: the folder holds a run already.
    """
    if (folder / "config.json").exists():
        raise ValueError(f"{folder} holds a run already: give another --out, or remove it")


def refuse_ended(folder: Path) -> None:
    """Make sure that a run that is to go on has not ended.

    Raises:
        ValueError: it has.
    """
    if (folder / "metrics.json").exists():
        shutil.rmtree(folder / "checkpoints", ignore_errors=True)  # killed as it removed them
        raise ValueError(f"{folder} has ended: its metrics.json is there")


def begin_run(folder: Path, arguments: Train) -> None:
    """Make a run's folder and its ``config.json``: arguments, command, versions, hashes of files.

    The files that reward and metric name are copied beside it: without them a result cannot be
    repeated.
    """
    folder.mkdir(parents=True, exist_ok=True)
    keep_files(folder, arguments.reward or "", arguments.metric or "")
    config = {
        "arguments": asdict(arguments),
        **about_run(),
        "folder": str(Path.cwd()),
        "files": files_of(arguments),
    }
    write_json(folder / "config.json", {**config, **mark_of(config)})


def about_run() -> dict[str, Any]:
    """The command that runs, and on what."""
    return {
        "command": shlex.join(["lingym", *sys.argv[1:]]),
        "versions": {
            "lingym": lingym.__version__,
            **{name: version(name) for name in PACKAGES},
        },
        "python": platform.python_version(),
        "machine": platform.machine(),
    }


def keep_files(folder: Path, *rewards: str) -> None:
    """Copy the files that rewards' texts name; a second of one name is called ``name_2.py``."""
    taken: set[str] = set()
    for file in dict.fromkeys(file for reward in rewards for file in files(reward)):
        name, count = file.name, 1
        while name in taken:
            count += 1
            name = f"{file.stem}_{count}{file.suffix}"
        taken.add(name)
        shutil.copyfile(file, folder / name)


def write_json(file: Path, content: Any) -> None:
    """Write JSON that a person can read; paths become strings."""
    text = json.dumps(content, indent=2, ensure_ascii=False, default=str)
    replace_file(file, text + "\n")


def say(line: str) -> None:
    """A line for the person who watches; results go to files and standard output."""
    print(line, file=sys.stderr, flush=True)
