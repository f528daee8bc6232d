"""What one seed gives, as hashes: a script that tests/test_determinism.py starts several times."""

import hashlib
import json
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch

from lingym.agents import Labeller, evaluate
from lingym.agents.callbacks import DevCallback
from lingym.envs import Dataset, Tagging, build, load_corpus
from lingym.envs.tokenizer import train_tokenizer
from tests.agents.test_resume import CASES, make, scalars
from tests.envs.every_task import FORMS, every_task


def digest(value: object) -> str:
    """Of JSON, which writes every number whole."""
    return hashlib.sha256(json.dumps(value, default=str).encode()).hexdigest()[:16]


def commands() -> Dataset:
    """A corpus, and a tokenizer that is trained on it."""
    corpus = load_corpus("synthetic:commands?train=32&dev=8&test=8")
    texts = [" ".join(record["tokens"]) for record in corpus.train]
    return build(Tagging(), corpus, train_tokenizer(texts, vocab_size=120))


def weights_of(module: torch.nn.Module) -> str:
    """Of every weight, by name."""
    found = hashlib.sha256()
    for name, weight in module.state_dict().items():
        found.update(name.encode() + weight.cpu().numpy().tobytes())
    return found.hexdigest()[:16]


def of_agent(case: str, data: Dataset, out: Path, device: str = "cpu") -> dict[str, str]:
    """Two rollouts of an agent: its weights, what it was measured as, its log, its labels."""
    agent, _ = make(case, data, out, device=device)
    dev = DevCallback(data["dev"], "accuracy", every=8, keep_best=False)
    agent.learn(total_episodes=24, callback=dev)
    agent.logger.close()
    (folder,) = out.iterdir()
    labeller = Labeller(agent.policy, "tagging", data.tokenizer, 64)
    return {
        "weights": weights_of(agent.policy),
        "metrics": digest([point.metrics for point in dev.curve]),
        "log": digest(scalars(folder)),
        "test": digest(evaluate(agent.policy, data["test"])),
        "labels": digest(labeller.predict(["turn the light on", "play some music"])),
    }


def of_form(form: str) -> str:
    """The texts of a task as numbers, with the names of its labels."""
    data = every_task(form)
    shown = [str(data.space)]
    for name, episodes in data.splits.items():
        batch = episodes.batch(range(len(episodes)))
        arrays = {key: each for key, each in vars(batch).items() if isinstance(each, np.ndarray)}
        assert arrays
        shown += [name, *(f"{key} {each.tolist()}" for key, each in arrays.items())]
    return digest(shown)


def main(cases: list[str]) -> dict[str, object]:
    """All hashes by what they are of."""
    data = commands()
    found: dict[str, object] = {}
    with tempfile.TemporaryDirectory() as folder:
        for case in cases:
            found[case] = of_agent(case, data, Path(folder) / case)
    return {**found, **{form: of_form(form) for form in FORMS}}


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1:] or list(CASES))))
