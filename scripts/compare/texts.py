"""The texts of a run in the tokens of its encoder, kept for the other runs of the same texts.

A hundred runs of a study read the same file: reading and tokenizing takes seconds, loading what
came of it tenths of one.
"""

import json
import os
import pickle
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

import lingym
from lingym.agents.labeller import model_folder
from lingym.cache import is_sealed, seal
from lingym.envs import Dataset
from lingym.scripts.compare.looks import sha256, sha256_of
from lingym.scripts.compare.prepare import NAMED
from lingym.scripts.train import Train
from lingym.scripts.train_check import OWN_KEYS
from lingym.scripts.training import read

MARK = 32
"""Bytes of the mark before a pickle."""

NOT_READ = {
    *("out", "agent", "reward", "pooling", "history", "constrained", "train", "dev", "test"),
    *("episodes", "learning_rate", "head_lr_scale", "warmup", "weight_decay", "max_grad_norm"),
    *("batch_size", "rollout", "metric", "eval_every", "patience", "keep_best", "seed", "device"),
    *("threads", "autocast", "progress", "warm_start"),
    *(name for names in OWN_KEYS.values() for name in names),
}
"""The options of a run that its texts do not depend on; of files and warm start see `_key`."""


def texts_of(run: Train, out: Path) -> Dataset:
    """What `lingym.scripts.training.read` gives, from ``out/texts`` if it was read before.

    A generated corpus, one of the Hub, and a task that cannot be pickled are read each time. A
    pickle can run code, so it is read only where it carries this user's own mark
    (`lingym.cache.seal`): those of a study that somebody else ran are made anew.

    Args:
        run: whose texts they are.
        out: the folder of the study's results.
    """
    files = [file for file in (run.train, run.dev, run.test) if file is not None]
    if run.corpus is not None or not files or any(file.startswith(NAMED) for file in files):
        return read(run)
    kept = out / "texts" / f"{_key(run)}.pickle"
    known = kept.read_bytes() if kept.exists() else b""
    if known and is_sealed(known[MARK:], known[:MARK]):
        found: Dataset = pickle.loads(memoryview(known)[MARK:])
        return found
    dataset = read(run)
    try:
        content = pickle.dumps(dataset, protocol=pickle.HIGHEST_PROTOCOL)
        mark = seal(content)
    except OSError:  # no key can be kept: then nothing could tell that the file is ours
        return dataset
    except (pickle.PicklingError, AttributeError, TypeError):
        return dataset
    kept.parent.mkdir(parents=True, exist_ok=True)
    new = kept.with_name(f"{kept.name}.{os.getpid()}")
    new.write_bytes(mark + content)
    new.replace(kept)
    return dataset


def _key(run: Train) -> str:
    """Of everything that the texts depend on, the source of lingym included."""
    parts: dict[str, Any] = {
        name: value for name, value in asdict(run).items() if name not in NOT_READ
    }
    for name in ("train", "dev", "test"):
        file = getattr(run, name)
        if file is not None:
            told = Path(file).stat()
            parts[name] = [str(Path(file).resolve()), told.st_size, told.st_mtime_ns]
    if run.warm_start is not None:  # its labels and its tokenizer: the same for every seed
        files = sorted(model_folder(run.warm_start).glob("*.json"))
        parts["warm_start"] = {file.name: sha256_of(file) for file in files}
    parts["source"] = _source()
    return sha256(json.dumps(parts, sort_keys=True, default=str).encode())[:32]


@cache
def _source() -> int:
    """When a file of lingym was last changed."""
    root = Path(lingym.__file__).parent
    rooms = [root, *(root / room for room in ("envs", "rewards", "policies"))]
    return max(file.stat().st_mtime_ns for room in rooms for file in room.rglob("*.py"))
