"""`lingym bench soak`: a million episodes, while memory, open files and threads are watched."""

import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from lingym.envs import Dataset, LabelVectorEnv, Tagging, build, load_corpus
from lingym.scripts.memory import Held, held
from lingym.scripts.run_folder import say

What = Literal["step", "supervised", "ppo", "reinforce", "expected_reward", "minimum_risk"]
REWARDS = (
    "0.7*entity_f1(dense=True)+0.3*accuracy",
    "corpus_f1",
)
"""A composed reward, and one of the corpus, which keeps counts."""

ROWS = 256
"""Episodes that are stepped side by side."""


@dataclass(frozen=True)
class Soak:
    """Play and learn for long, and see whether anything grows or stays open.

    Ends with status 1 if, after the warm-up, the process's own memory ends more than a hundredth
    higher, or holds more open files or threads, than before.
    """

    episodes: int = 1_000_000
    """Episodes of each activity."""
    what: tuple[What, ...] = ("step",)
    """Step environments by a random policy, or train with the tiny encoder by an agent."""
    rewards: tuple[str, ...] = REWARDS
    """Each activity is done with each."""
    warmup: float = 0.2
    """The share of the episodes after which nothing may grow."""
    samples: int = 50
    """How often to look."""
    out: Path | None = None
    """Write all samples as JSON."""

    def run(self) -> None:
        """Do it, print, and exit with 1 if something grew."""
        reports = soak(self)
        if self.out is not None:
            self.out.write_text(json.dumps(reports, indent=1), encoding="utf-8")
        if any(report["faults"] for report in reports):
            sys.exit(1)


def soak(arguments: Soak) -> list[dict[str, Any]]:
    """What each activity left behind, printed as it comes.

    Raises:
        ValueError: there is nothing to do, or too few samples to tell.
    """
    if arguments.episodes < arguments.samples or arguments.samples < 10:
        raise ValueError("--samples must be 10 or more, and --episodes no fewer")
    if not 0 < arguments.warmup < 1:
        raise ValueError(f"--warmup must be in (0, 1), got {arguments.warmup}")
    known = get_args(What)
    for what in arguments.what:
        if what not in known:
            raise ValueError(f"--what must be of {', '.join(known)}; got {what}")
    dataset = build(Tagging(), load_corpus("synthetic:commands?train=2000&dev=50&test=0"))
    reports = []
    for what in arguments.what:
        for reward in arguments.rewards:
            walk = stepped if what == "step" else trained(what)
            report = watched(arguments, walk(dataset, reward, arguments.episodes))
            reports.append({"what": what, "reward": reward, **report})
            print(told(reports[-1]), flush=True)
    return reports


def stepped(dataset: Dataset, reward: str, episodes: int) -> Iterator[int]:
    """Step episodes side by side, with labels at random; yields how many are over."""
    env = LabelVectorEnv(dataset=dataset, num_envs=ROWS, reward=reward)
    env.reset(seed=0)
    random, over = np.random.default_rng(0), 0
    while over < episodes:
        _, _, done, _, _ = env.step(random.integers(len(dataset.space), size=ROWS))
        over += int(done.sum())
        yield over
    env.close()


def trained(what: str) -> Callable[[Dataset, str, int], Iterator[int]]:
    """Train by an agent in many short goes, each on from the last; yields the texts so far."""

    def walk(dataset: Dataset, reward: str, episodes: int) -> Iterator[int]:
        from lingym.agents.callbacks import DevCallback
        from lingym.scripts.training import AGENTS

        with tempfile.TemporaryDirectory(prefix="lingym-soak-") as folder:
            agent = AGENTS[what](
                "LabelPolicy",
                LabelVectorEnv(dataset=dataset, reward=reward),
                n_steps=64,
                batch_size=16,
                policy_kwargs={"encoder": "tiny"},
                tensorboard_log=folder,
                seed=0,
                device="cpu",
            )
            part = max(64, episodes // 100)
            while agent.num_episodes < episodes:
                agent.learn(
                    total_episodes=min(part, episodes - agent.num_episodes),
                    callback=DevCallback(dataset["dev"], "accuracy", every=part),
                    reset_num_timesteps=not agent.num_episodes,
                )
                yield agent.num_episodes
            agent.logger.close()

    return walk


def watched(arguments: Soak, walk: Iterator[int]) -> dict[str, Any]:
    """Look at the process while something goes on."""
    before, began = held(tidy=True), time.perf_counter()
    every = arguments.episodes / arguments.samples
    samples: list[tuple[int, Held]] = []
    over = 0
    for over in walk:
        if over >= every * (len(samples) + 1):
            now = held(tidy=True)
            samples.append((over, now))
            say(f"{over} episodes: {now.own:.1f} MiB, {now.files} files, {now.threads} threads")
    seconds, after = time.perf_counter() - began, held(tidy=True)
    return {
        "episodes": over,
        "seconds": seconds,
        "before": vars(before),
        "after": vars(after),
        "samples": [{"episodes": n, **vars(now)} for n, now in samples],
        **judged(arguments, samples, before, after),
    }


def judged(
    arguments: Soak, samples: list[tuple[int, Held]], before: Held, after: Held
) -> dict[str, Any]:
    """How much memory rose after the warm-up, and what is wrong, in words.

    The rise is that from the median of the first third of the samples after the warm-up to the
    median of the last third: one sample may stand where a buffer is half full.
    """
    late = [now.own for n, now in samples if n >= arguments.warmup * arguments.episodes]
    third = max(1, len(late) // 3)
    first, last = float(np.median(late[:third])), float(np.median(late[-third:]))
    rise = last / first - 1
    faults = []
    if rise > 0.01:
        faults.append(
            f"memory rose by {rise:.2%} after the warm-up ({first:.1f} to {last:.1f} MiB)"
        )
    warm = [now for n, now in samples if n >= arguments.warmup * arguments.episodes]
    for name in ("files", "threads"):
        at_first, at_last = getattr(warm[0], name), getattr(warm[-1], name)
        if at_last > at_first:
            faults.append(f"{name}: {at_first} after the warm-up, {at_last} at the end")
    if after.files > before.files:
        faults.append(f"files: {before.files} before, {after.files} when all was closed")
    return {"rise": rise, "first_mib": first, "last_mib": last, "faults": faults}


def told(report: dict[str, Any]) -> str:
    """A report in a line, and its faults."""
    rate = report["episodes"] / report["seconds"]
    before, after = report["before"], report["after"]
    line = (
        f"{report['what']}, {report['reward']}: {report['episodes']:,} episodes, {rate:,.0f} a "
        f"second; memory {report['first_mib']:.1f} to {report['last_mib']:.1f} MiB "
        f"({report['rise']:+.2%}); files {before['files']} to {after['files']}, threads "
        f"{before['threads']} to {after['threads']}"
    )
    return "\n".join([line, *(f"  FAULT {fault}" for fault in report["faults"])])
