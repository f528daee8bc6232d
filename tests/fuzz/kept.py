"""More files that a run wrote, each read by what goes on from it."""

import json
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from safetensors.torch import save

from lingym.agents.active.chooser import ABOUT, WEIGHTS, Chooser
from lingym.agents.active.chooser import NAMES as FEATURES
from lingym.agents.sarsa import SARSA
from lingym.reading import wanted
from lingym.scripts.active_runs import _rounds
from lingym.scripts.compare.by_label import ByLabel
from lingym.scripts.compare.items import Items
from lingym.scripts.compare.table import _own_row
from lingym.scripts.compare.terms import Counts
from lingym.scripts.compare.tuned import set_tuned
from lingym.scripts.continual_ewc import FILE, fisher_in
from lingym.scripts.continual_run import scores_in
from lingym.scripts.resume import options_of, read_config
from lingym.scripts.robustness_runs import seed_of
from lingym.scripts.run_folder import begin_run
from lingym.scripts.sweep import run_once
from lingym.scripts.train import Train
from lingym.scripts.tuning_finish import scored
from tests.fuzz.files import File
from tests.fuzz.mutate import JSON_FAULTS


def _written(write: Any, *names: str) -> list[bytes]:
    """What a folder holds after something was written into it."""
    with TemporaryDirectory() as folder:
        write(Path(folder))
        return [(Path(folder) / name).read_bytes() for name in names]


def _sarsa() -> bytes:
    import gymnasium as gym

    agent = SARSA(gym.make("FrozenLake-v1"), seed=0)
    return _written(lambda folder: agent.save(folder / "a.npz"), "a.npz")[0]


ONES = np.ones((3, 2))
ABOUT_LABELS, BY_LABEL = _written(
    ByLabel(("A", "B"), (1, 2), Counts(ONES, ONES, ONES, "macro")).write,
    *("by_label.json", "by_label.npz"),
)
CHOSEN, WEIGHING = _written(Chooser(np.ones(len(FEATURES))).save, ABOUT, WEIGHTS)


def _beside(name: str, content: bytes, read: Any) -> Any:
    """Reads a folder in which one more file stands, which is whole."""

    def reader(path: Path) -> Any:
        (path.parent / name).write_bytes(content)
        return read(path.parent)

    return reader


def _npz(**arrays: Any) -> bytes:
    stream = BytesIO()
    np.savez(stream, **arrays)
    return stream.getvalue()


HEAD = _npz(weight=np.ones((2, 3), np.float32), bias=np.zeros(2, np.float32))
TUNED = json.dumps({"run": "r", "tune": "bias", "values": {"a": 1.0}, "metric": "f1"}).encode()


def _tuned(folder: Path) -> Any:
    labeller = SimpleNamespace(policy=SimpleNamespace(label_head=torch.nn.Linear(3, 2)))
    run: Any = SimpleNamespace(id="r")
    return set_tuned(labeller, run, folder)


def _policy() -> Any:
    layer: Any = torch.nn.Linear(3, 2)
    layer.device = torch.device("cpu")
    return layer


def _config() -> bytes:
    return _written(
        lambda folder: begin_run(folder, Train(out=Path("o"), reward="accuracy")), "config.json"
    )[0]


def _resumed(path: Path) -> Any:
    config = read_config(path.parent)
    with wanted(path, "what a run of this lingym wrote"):
        options_of(config["arguments"]).check()
    return config


CONFIG = _config()
METRICS = b'{"dev": {"accuracy": 0.5}, "test": {}, "training": {"episodes": 1}, "curve": [NaN]}'
ROUNDS = b'[{"rows": [0, 3], "reward": NaN, "dev": 0.5}, {"rows": [1], "reward": 0.1}]'


def _run(folder: Path) -> Any:
    return run_once(Train(out=folder, reward="accuracy"))


def _items() -> bytes:
    items = Items.mean(np.array([0.0, 1.0, 0.5]))
    return _written(lambda folder: items.to_npz(folder / "a.npz"), "a.npz")[0]


KEPT = {
    "SARSA": File("a.npz", (_sarsa(),), lambda p: SARSA.load(p)),
    "items": File("items.npz", (_items(),), Items.from_npz),
    "counts by label": File(
        "by_label.npz", (BY_LABEL,), _beside("by_label.json", ABOUT_LABELS, ByLabel.read)
    ),
    "labels of counts": File(
        "by_label.json",
        (ABOUT_LABELS,),
        _beside("by_label.npz", BY_LABEL, ByLabel.read),
        JSON_FAULTS,
        folder=True,
    ),
    "head": File("tuned.npz", (HEAD,), _beside("tuned.json", TUNED, _tuned)),
    "about a head": File("tuned.json", (TUNED,), _beside("tuned.npz", HEAD, _tuned), JSON_FAULTS),
    "chooser": File(
        ABOUT, (CHOSEN,), _beside(WEIGHTS, WEIGHING, Chooser.load), JSON_FAULTS, folder=True
    ),
    "weights of a chooser": File(
        WEIGHTS, (WEIGHING,), _beside(ABOUT, CHOSEN, Chooser.load), folder=True
    ),
    "metrics": File("metrics.json", (METRICS,), lambda p: _run(p.parent), JSON_FAULTS),
    "rounds": File("rounds.json", (ROUNDS,), _rounds, JSON_FAULTS),
    "row": File(
        "row.json", (b'{"cell": "a", "kind": "train"}',), lambda p: _own_row(p.parent), JSON_FAULTS
    ),
    "seed": File("config.json", (CONFIG,), seed_of, JSON_FAULTS),
    "config": File("config.json", (CONFIG,), _resumed, JSON_FAULTS),
    "start": File("start.json", (b"[0.5, NaN]",), scores_in, JSON_FAULTS),
    "settings": File(
        "settings.json", (b'{"trial": 3, "settings": {"a": 1}}',), scored, JSON_FAULTS
    ),
    "information": File(
        FILE,
        (save(dict(torch.nn.Linear(3, 2).state_dict())),),
        lambda p: fisher_in(p.parent, _policy()),
    ),
}
"""By name."""
