"""Files that a run wrote: valid ones made by what writes them, and what reads them again."""

import json
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from lingym.agents.npz import load_npz
from lingym.policies.feature_store import FeatureStore
from lingym.rewards import from_spec
from lingym.rewards.base import Reward
from lingym.scripts.compare import looks, table
from lingym.scripts.compare.cell_work import Given
from lingym.scripts.continual_run import kept
from lingym.scripts.reward_state import resume_reward
from lingym.types import LabelSpace
from tests.fuzz.files import File
from tests.fuzz.mutate import FAULTS, JSON_FAULTS

LOOK = {
    **{"time": "2026-01-01T00:00:00+00:00", "data": "a", "arm": "b", "seed": 0, "share": 1.0},
    **{"chosen": {}, "test": "0", "model": "1", "command": "lingym", "look": 1},
    **{"resumed": False, "reason": None, "before": ""},
}
ROWS = (
    b'{"cell": "a/b", "kind": "train", "dev": {"accuracy": 0.5}}\n{"cell": "c", "kind": "score"}\n'
)


def _reward() -> Reward:
    reward = from_spec("corpus_f1")
    reward.bind(LabelSpace(("O", "A")))
    return reward


def _kept_state() -> bytes:
    reward = _reward()
    return json.dumps({"reward": reward.to_spec(), "state": reward.state()}).encode()


def _store(path: Path) -> Any:
    store = FeatureStore(path.parent, 3)
    return store.find([bytes(16), b"a" * 16])


def _npz() -> bytes:
    stream = BytesIO()
    np.savez(stream, right=np.arange(3.0), total=np.ones(3), form=np.array('{"constant": 0}'))
    return stream.getvalue()


WRITTEN = {
    "rows": File("rows.jsonl", (ROWS,), lambda p: table.read(p.parent), JSON_FAULTS, lines=True),
    "looks": File(
        "looks.jsonl",
        (json.dumps(LOOK).encode() + b"\n",),
        lambda p: (looks.read(p.parent), looks.summary(p.parent, [])),
        JSON_FAULTS,
        lines=True,
    ),
    "reward.json": File(
        "reward.json", (_kept_state(),), lambda p: resume_reward(_reward(), p.parent), JSON_FAULTS
    ),
    "given.json": File(
        "given.json",
        (b'{"data": null, "threads": 1, "command": "lingym", "commit": null}',),
        lambda p: Given.read(p.parent),
        JSON_FAULTS,
    ),
    "scores": File("dev.json", (b"[0.5, NaN, 1]",), lambda p: kept(p, list), JSON_FAULTS),
    "arrays": File("a.npz", (_npz(),), load_npz, FAULTS),
    "feature store": File("index", (b"lingymf1" + bytes(80),), _store, FAULTS, refused=False),
}
"""By name."""
FILES = WRITTEN
