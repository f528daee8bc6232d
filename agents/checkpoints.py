"""Keeping checkpoints of a run as it learns, and stopping it so that it can go on."""

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from stable_baselines3.common.callbacks import BaseCallback

from lingym.agents.checkpoint import (
    CheckpointError,
    checkpoints,
    last_checkpoint,
    read_checkpoint,
    remove_leftovers,
    write_checkpoint,
)
from lingym.agents.resumable import callbacks_of
from lingym.agents.run_state import flat
from lingym.files import NotWritten


class RunStopped(Exception):
    """A run was asked to stop, and did, with a checkpoint.

    Args:
        signal: the number of the signal that asked.
        checkpoint: the folder of the checkpoint.
        episodes: texts that were learned from.
    """

    def __init__(self, signal: int, checkpoint: Path, episodes: int) -> None:
        super().__init__(f"stopped after {episodes} texts; all of it is in {checkpoint}")
        self.signal, self.checkpoint, self.episodes = signal, checkpoint, episodes


class Checkpoints(BaseCallback):
    """Writes where a run is, between rollouts, so that another process can go on to the bit.

    Give it to `learn` as the last callback. To go on, make agent and callbacks as they were made,
    and give `last` to `learn`:

        kept = Checkpoints("run/checkpoints", minutes=10)
        agent.learn(total_episodes=3000, callback=[kept])
        ...
        agent.learn(resume=kept.last(), callback=[kept])

    Writing draws no random number and changes nothing that is learned. `learn` refuses a folder
    with checkpoints of a run that is further, and a callback after this one that has a state.

    Args:
        folder: of the checkpoints.
        minutes: write when so many have passed since the last; None: not by the clock.
        every: write when so many episodes are over, twice as many, and so on; None: not by them.
        keep: how many stay.
        run: whose checkpoints they are: words that another run has not.
        asked: gives the signal by which the run was asked to stop, or None.
        tell: told of each checkpoint that is refused.

    Raises:
        ValueError: a number is out of its range.
    """

    def __init__(
        self,
        folder: str | Path,
        minutes: float | None = 10.0,
        every: int | None = None,
        keep: int = 2,
        run: str = "",
        asked: Callable[[], int | None] = lambda: None,
        tell: Callable[[str], None] = lambda _: None,
    ) -> None:
        super().__init__()
        if minutes is not None and not minutes >= 0:
            raise ValueError(f"minutes must be 0 or more, got {minutes}")
        for name, value in (("every", every), ("keep", keep)):
            if value is not None and value < 1:
                raise ValueError(f"{name} must be 1 or more, got {value}")
        self.folder, self.minutes, self.every, self.keep = Path(folder), minutes, every, keep
        self.run, self.asked, self.tell = run, asked, tell
        self.seconds = 0.0  # of writing
        self._before = 0.0
        self._began = self._written = time.monotonic()
        self._episodes = 0

    @property
    def spent(self) -> float:
        """Seconds since the run began, those of other processes among them."""
        return self._before + time.monotonic() - self._began

    def last(self) -> dict[str, Any] | None:
        """The state of the latest checkpoint that is whole; None where none was written.

        Raises:
            CheckpointError: there are some, and none can be used.
        """
        found = last_checkpoint(self.folder, self.run, self.tell)
        return None if found is None else found.state

    def run_state(self) -> dict[str, Any]:
        """The seconds that the run took so far, those of writing among them."""
        return {"spent": self.spent, "seconds": self.seconds, "needed": False}

    def load_run_state(self, state: Mapping[str, Any]) -> None:
        """Go on from what `run_state` gave."""
        self._before, self.seconds = state["spent"], state["seconds"]
        self._began = time.monotonic()

    def _init_callback(self) -> None:
        self._began = time.monotonic()  # before other callbacks measure how the run begins

    def _on_training_start(self) -> None:
        agent: Any = self.model
        began = time.monotonic()
        self._check_place(agent)
        remove_leftovers(self.folder)
        flat(agent.run_state())  # what cannot be kept is told now, and not when work is lost
        self._written, self._episodes = time.monotonic(), agent.num_episodes
        self.seconds += self._written - began

    def _check_place(self, agent: Any) -> None:
        """Refuse a place among the callbacks, or on the disk, from which nobody could go on.

        Raises:
            ValueError: a callback that would be behind comes after this one, or the folder has
                checkpoints that are further than the run.
        """
        callbacks = list(callbacks_of(agent._callback).values())
        for each in callbacks[callbacks.index(self) + 1 :]:
            if hasattr(each, "run_state"):
                raise ValueError(
                    f"Checkpoints must be the last callback, and {type(each).__name__} comes after "
                    "it: what that does between two rollouts would be missing"
                )
        for each in checkpoints(self.folder):
            if int(each.name) <= agent.num_episodes:
                break
            with suppress(CheckpointError):  # one that is torn, or another's, is never gone on from
                read_checkpoint(each, self.run)
                raise ValueError(
                    f"{each} is of a run that is further than this one, which is at text "
                    f"{agent.num_episodes}: go on with learn(resume=...), give another folder, or "
                    "remove it"
                )

    def _on_rollout_start(self) -> None:
        agent: Any = self.model
        signal = self.asked()
        if signal is not None:
            raise RunStopped(signal, self.write(), agent.num_episodes)
        if self._due(agent.num_episodes):
            self.write()

    def _on_step(self) -> bool:
        return True

    def _due(self, episodes: int) -> bool:
        if self.every is not None and episodes // self.every > self._episodes // self.every:
            return True
        waited = time.monotonic() - self._written
        return self.minutes is not None and waited >= 60 * self.minutes

    def write(self) -> Path:
        """Write a checkpoint now.

        Returns:
            Its folder.

        Raises:
            NotWritten: the disk is full, or nothing may be written there.
        """
        agent: Any = self.model
        began = time.monotonic()
        stand = [each for each in checkpoints(self.folder) if int(each.name) <= agent.num_episodes]
        try:
            written = write_checkpoint(
                self.folder, agent.num_episodes, agent.run_state(), self.run, self.keep
            )
        except OSError as error:
            last = f"the checkpoint {stand[0]} stands" if stand else "there is no checkpoint yet"
            raise NotWritten(
                error.errno,
                f"the run stops after {agent.num_episodes} texts, because its checkpoint could not "
                f"be written ({error.strerror}); {last}",
            ) from error
        self._written, self._episodes = time.monotonic(), agent.num_episodes
        self.seconds += self._written - began
        return written
