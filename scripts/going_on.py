"""The checkpoints of a run of `lingym train`: kept in its folder, and read when it goes on."""

from collections.abc import Mapping
from typing import Any

from lingym.agents.checkpoint import (
    CheckpointError,
    checkpoints,
    last_checkpoint,
    remove_leftovers,
)
from lingym.agents.checkpoints import Checkpoints
from lingym.agents.log_position import EVENTS
from lingym.files import sha256_of
from lingym.scripts.run_files import files_of
from lingym.scripts.run_folder import about_run, say
from lingym.scripts.signals import Stop
from lingym.scripts.train import Train


def keeping(arguments: Train, stop: Stop) -> Checkpoints:
    """What writes the checkpoints of a run whose ``config.json`` is there, which names it."""
    saving = arguments.saving
    return Checkpoints(
        arguments.out / "checkpoints",
        minutes=saving.checkpoint_minutes,
        every=saving.checkpoint_every,
        keep=saving.keep_checkpoints,
        run=sha256_of(arguments.out / "config.json"),
        asked=stop,
        tell=say,
    )


def can_go_on(arguments: Train, begun: Mapping[str, Any]) -> bool:
    """Whether a run that was broken off has a checkpoint, and files and versions are the same.

    Args:
        arguments: the run's, which are those that it was begun with.
        begun: its ``config.json``.
    """
    if begun.get("versions") != about_run()["versions"]:
        return False
    if begun.get("files") != files_of(arguments):
        return False
    run = sha256_of(arguments.out / "config.json")
    try:
        return last_checkpoint(arguments.out / "checkpoints", run) is not None
    except CheckpointError:
        return False


def going_on(arguments: Train, kept: Checkpoints) -> dict[str, Any] | None:
    """Where a run goes on; None is its beginning, for which its log is emptied.

    Raises:
        CheckpointError: there are checkpoints, and none can be used.
    """
    remove_leftovers(kept.folder)
    state = kept.last()
    if state is not None:
        episodes = state["agent"]["num_episodes"]
        for later in checkpoints(kept.folder):  # torn: they are written again
            if int(later.name) > episodes:
                say(f"{later} is written anew when the run gets there")
        say(f"{arguments.out} goes on from text {episodes}")
        return state
    say(f"{arguments.out} has no checkpoint yet: it begins anew")
    for file in list((arguments.out / "tensorboard").rglob(EVENTS)):  # before folders go
        file.unlink()
        if not any(file.parent.iterdir()):
            file.parent.rmdir()
    return None
