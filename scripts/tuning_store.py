"""Where a search is kept, so that it can be broken off, gone on with, and shared by processes.

Trials stand in SQLite. A process that trains holds a lock on its trial, which the system lets go of
when the process dies, however it dies: a trial that runs, it says, and is not locked was broken
off.
"""

import fcntl
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import optuna
from optuna.storages import RDBStorage
from optuna.trial import FrozenTrial, TrialState

from lingym.scripts.training import say

OPTIONS, BROKEN = "lingym_options", "broken_off"


@contextmanager
def locked(file: Path) -> Iterator[None]:
    """Alone, among processes of this machine, as long as the block lasts."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def is_locked(file: Path) -> bool:
    """Whether a living process holds the lock."""
    if not file.exists():
        return False
    with file.open("a") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


@contextmanager
def stored(folder: Path) -> Iterator[RDBStorage]:
    """The data base of a folder, closed in the end."""
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder / "locks" / "open"):  # two processes that make the tables at once would fail
        storage = RDBStorage(
            f"sqlite:///{folder / 'tune.db'}", engine_kwargs={"connect_args": {"timeout": 120}}
        )
    try:
        yield storage
    finally:
        storage.remove_session()
        storage.engine.dispose()


def keep_options(study: optuna.Study, now: dict[str, Any]) -> None:
    """Note what all trials have in common, or compare it with what is noted.

    Raises:
        ValueError: the search was begun with other options.
    """
    now = json.loads(json.dumps(now, default=str))
    before = study.user_attrs.get(OPTIONS)
    if before is None:
        study.set_user_attr(OPTIONS, now)
        return
    other = [n for n in sorted(before.keys() | now.keys()) if before.get(n) != now.get(n)]
    if other:
        told = "; ".join(f"{n} {before.get(n)!r}, now {now.get(n)!r}" for n in other)
        raise ValueError(
            f"search {study.study_name!r} was begun with other options ({told}): their scores "
            "cannot be compared; give another --study or --out, or the options as they were"
        )


def trial_lock(folder: Path, number: int) -> Path:
    """The lock of a trial."""
    return folder / "locks" / f"{number:04d}"


def revive(study: optuna.Study, folder: Path) -> None:
    """Mark the trials that were broken off, and put their settings in the queue again."""
    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        if is_locked(trial_lock(folder, trial.number)):
            continue
        say(f"trial {trial.number} was broken off: its settings are tried again")
        study.set_user_attr(BROKEN, [*broken_off(study), trial.number])
        if trial.params:
            study.enqueue_trial(trial.params)
        study.tell(trial.number, state=TrialState.FAIL)
        shutil.rmtree(folder / "trials" / f"{trial.number:04d}", ignore_errors=True)


def broken_off(study: optuna.Study) -> list[int]:
    """The numbers of the trials that died with their process."""
    return list(study.user_attrs.get(BROKEN, ()))


def counted(study: optuna.Study) -> list[FrozenTrial]:
    """The trials that were not broken off, those that run now among them."""
    lost = broken_off(study)
    begun = [t for t in study.get_trials(deepcopy=False) if t.state is not TrialState.WAITING]
    return [trial for trial in begun if trial.number not in lost]
