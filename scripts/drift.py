"""The drift experiment: one stream through two domains, for each seed and share of replay."""

import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from lingym.agents import Labeller, OnlineLearner, OnlineSettings, Supervised, evaluate
from lingym.agents.schedules import warmup_linear
from lingym.envs import Corpus, Dataset, Example, LabelVectorEnv, Task, build
from lingym.envs.corpora import Record, read_records
from lingym.envs.tasks import TASKS
from lingym.policies import LabelPolicy
from lingym.rewards import from_spec
from lingym.scripts.bench_drift import Drift
from lingym.scripts.picture import draw_drift
from lingym.scripts.run_folder import write_json
from lingym.scripts.streaming import GOLD
from lingym.scripts.training import say
from lingym.scripts.users import Users

DOMAINS = ("a", "b")


def measure(drift: Drift) -> dict[str, Any]:
    """Do all runs.

    Returns:
        What stands in ``drift.json``: the settings, the metric's name, and of each run its seed,
        share of replay and measurements.
    """
    if drift.threads:
        torch.set_num_threads(drift.threads)
    task, records = read(drift)
    drift.out.mkdir(parents=True, exist_ok=True)
    dataset, texts, metric = prepare(drift, task, records)
    runs: list[dict[str, Any]] = []
    found: dict[str, Any] = {}
    for seed in range(drift.seeds):
        stream = [*texts["a"], *texts["b"]]
        if drift.shuffle:
            stream = [record for each in texts.values() for record in shuffled(each, seed)]
        with tempfile.TemporaryDirectory() as folder:
            start = Path(folder) / "start"
            train_start(drift, dataset, seed, start)
            for share in drift.replays:
                curve = serve(drift, dataset, stream, metric, seed, share, start)
                runs.append({"seed": seed, "replay": share, "curve": curve})
                found = {"settings": asdict(drift), "metric": metric, "runs": runs}
                write_json(drift.out / "drift.json", found)  # what was measured is not lost
    draw_drift(found, drift.out / "drift.png")
    print(table(found))
    print(f"\n{drift.out / 'drift.json'}, {drift.out / 'drift.png'}")
    return found


def read(drift: Drift) -> tuple[Task, dict[str, list[Record]]]:
    """The task with the labels of all files, and the records of each.

    Raises:
        DataError: a file cannot be read as the task's.
        ValueError: a file has too few texts.
    """
    task = TASKS[drift.task](**drift.reading.arguments(drift.task))
    options = drift.reading.options()
    files = {"a": "train", "b": "train", "test_a": "test", "test_b": "test"}
    records = {n: read_records(getattr(drift, n), s, options) for n, s in files.items()}
    examples = task.read(records)
    for wanted, names in ((drift.labels_kept, tuple(examples)), (drift.labels_b, ("b",))):
        if wanted is not None:
            labels = {name.strip() for name in wanted.split(",")}
            examples |= {name: only(examples[name], labels) for name in names}
    records = {name: [example.record for example in each] for name, each in examples.items()}
    needed = {"a": drift.start + drift.stream_a, "b": drift.stream_b, "test_a": 1, "test_b": 1}
    for name, count in needed.items():
        if len(records[name]) < count:
            raise ValueError(
                f"{getattr(drift, name)} has {len(records[name])} texts with these labels; wanted "
                f"{count} or more"
            )
    if drift.shuffle:
        records = {name: shuffled(each, 0) for name, each in records.items()}
    space = task.label_space([example for each in examples.values() for example in each])
    given = drift.reading.arguments(drift.task)
    return TASKS[drift.task].of_space(space, **{**task.saved(), **given}), records


def only(examples: Sequence[Example], labels: set[str]) -> list[Example]:
    """Those whose gold labels are all among these."""
    return [e for e in examples if labels >= {str(gold) for gold in e.gold or ()}]


def shuffled(records: Sequence[Record], seed: int) -> list[Record]:
    """The same records in a random order."""
    return [records[place] for place in np.random.default_rng(seed).permutation(len(records))]


def prepare(
    drift: Drift, task: Task, records: dict[str, list[Record]]
) -> tuple[Dataset, dict[str, list[Record]], str]:
    """The start and the tests as a data set, the stream's texts, and the metric that decides."""
    test_a, test_b = (tuple(records[f"test_{d}"][: drift.test_limit]) for d in DOMAINS)
    corpus = Corpus(tuple(records["a"][: drift.start]), test_a, test_b, source={})
    dataset = build(task, corpus, drift.encoder, drift.max_tokens)
    first = records["a"][drift.start : drift.start + drift.stream_a]
    stream = {"a": first, "b": records["b"][: drift.stream_b]}
    return dataset, stream, task.metric(dataset.space)


def train_start(drift: Drift, dataset: Dataset, seed: int, folder: Path) -> None:
    """Train the labeller that every run of a seed begins with."""
    agent = Supervised(
        LabelPolicy,
        LabelVectorEnv(dataset=dataset),
        learning_rate=warmup_linear(drift.start_rate),
        batch_size=16,
        policy_kwargs={"encoder": drift.encoder},
        seed=seed,
        device=drift.device,
    )
    agent.learn(total_episodes=drift.start * drift.start_epochs)
    labeller = Labeller(
        *(agent.policy, drift.task, dataset.tokenizer, drift.max_tokens),
        settings=dataset.task.saved(),
    )
    labeller.save(folder)


def serve(
    drift: Drift,
    dataset: Dataset,
    texts: Sequence[Record],
    metric: str,
    seed: int,
    share: float,
    start: Path,
) -> list[dict[str, Any]]:
    """One run through the stream: its measurements."""
    labeller = Labeller.load(start, drift.device)
    columns = drift.reading.arguments(drift.task)
    settings = OnlineSettings(
        batch_size=drift.batch_size, learning_rate=drift.learning_rate, replay=share, seed=seed
    )
    without_gold = replace(drift.reading, **dict.fromkeys(GOLD)).arguments(drift.task)
    learner = OnlineLearner(labeller, settings, without_gold)
    users = Users(labeller.read(texts, **columns), from_spec(drift.feedback), learner)
    curve: list[dict[str, Any]] = []
    began = time.monotonic()

    def look(done: int) -> None:
        now: dict[str, Any] = {"texts": done, "seconds": round(time.monotonic() - began, 1)}
        for domain, split in zip(DOMAINS, ("dev", "test"), strict=True):
            now[domain] = evaluate(labeller.policy, dataset[split])[metric]
        if curve:
            now["progressive"] = users.measure(curve[-1]["texts"], done)[metric]
        curve.append(now)
        say(
            f"seed {seed}  replay {share:.2f}  {done:>6} texts  {now['seconds']:6.0f} s  "
            f"{metric}: A {now['a']:.4f}  B {now['b']:.4f}"
        )

    look(0)
    done = 0
    while done < len(texts):
        missing = settings.batch_size - len(learner.ready)
        size = users.told + missing + drift.delay - done  # until the next update is due
        marks = [m for m in (drift.stream_a, (done // drift.every + 1) * drift.every) if m > done]
        last = min(done + size, len(texts), *marks)
        users.see([row["id"] for row in learner.label(texts[done:last])])
        done = last
        users.tell(done - drift.delay if done < len(texts) else done)
        if done in (drift.stream_a, len(texts)) or done % drift.every == 0:
            look(done)
    return curve


def table(found: dict[str, Any]) -> str:
    """Both domains before the second, and at the end; means and ranges over seeds."""
    settings, runs = found["settings"], found["runs"]
    lines = [
        f"{found['metric']}, mean (and range) of {settings['seeds']} seeds",
        "",
        f"{'':<14}{'A, before B':<24}{'A, after B':<24}{'B, before B':<24}{'B, after B':<24}",
    ]
    for share in settings["replays"]:
        curves = [run["curve"] for run in runs if run["replay"] == share]
        before = [next(p for p in c if p["texts"] == settings["stream_a"]) for c in curves]
        cells = [
            spread([point[domain] for point in points])
            for domain in DOMAINS
            for points in (before, [curve[-1] for curve in curves])
        ]
        name = f"replay {share:g}"
        lines.append(f"{name:<14}" + "".join(f"{cell:<24}" for cell in cells))
    return "\n".join(lines)


def spread(values: Sequence[float]) -> str:
    """The mean of some values, and their range."""
    mean = f"{np.mean(values):.3f}"
    return mean if len(values) < 2 else f"{mean} ({min(values):.3f} to {max(values):.3f})"
