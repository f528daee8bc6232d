"""Rounds of simulated labelling, each written when it is done and not done again."""

import json
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from lingym.agents import evaluate, predict_labels
from lingym.agents.active import (
    EXP3,
    UCB1,
    Bandit,
    View,
    choose,
    inclusion,
    scaled,
    weighted_accuracy,
)
from lingym.agents.active.choose import how_of
from lingym.agents.active.view import right_units
from lingym.envs import encode
from lingym.policies import LabelPolicy
from lingym.reading import read_json, wanted
from lingym.scripts.bench_active import BANDIT, EVEN, ActiveCurves
from lingym.scripts.run_folder import about_run, write_json
from lingym.scripts.training import make_agent, metric_names, read, say
from lingym.types import FloatArray, Rows

LEAST_UPDATES = 40
FREE = ("out", "progress", "threads", "tensorboard")
Round = dict[str, Any]


class Simulation:
    """All arms and draws of `lingym bench active`, over one reading of the corpus.

    Args:
        settings: the command.

    Raises:
        ValueError: the folder holds others, the texts are too few, or nothing can be measured.
    """

    def __init__(self, settings: ActiveCurves) -> None:
        self.settings, self.run = settings, settings.shared
        if self.run.threads:
            import torch

            torch.set_num_threads(self.run.threads)
        self.data = read(self.run)
        if "train" not in self.data.splits:
            raise ValueError("no training texts: give --train FILE or --corpus NAME")
        self.pool = self.data["train"]
        wanted = settings.start + settings.rounds * settings.n
        if wanted > len(self.pool):
            raise ValueError(
                f"--start {settings.start} and --rounds {settings.rounds} of --n {settings.n} want "
                f"{wanted} texts, and there are {len(self.pool)}"
            )
        self.split = next((name for name in ("test", "dev") if name in self.data.splits), "")
        if not self.split:
            raise ValueError("nothing to measure on: give --test FILE or --dev FILE")
        self.feeds = BANDIT in settings.arms and settings.earned == "dev"
        if self.feeds and not {"dev", "test"} <= self.data.splits.keys():
            raise ValueError(
                "--bandit-reward dev learns from dev and is measured on test: give both, or "
                "--bandit-reward weighted"
            )
        self.metric = self.run.metric or self.data.task.metric(self.data.space)
        measured = replace(self.data, splits={"dev": self.data[self.split]})
        if self.metric not in (known := metric_names(measured)):
            raise ValueError(f"no metric {self.metric!r}: one of {', '.join(known)}")
        self._last: tuple[tuple[int, ...], LabelPolicy] | None = None
        self._begin()

    def rows(self, arm: str, draw: int) -> list[Round]:
        """The rounds of one way of choosing from one start, done or read."""
        file = self.run.out / "runs" / f"{Path(arm).name}-{draw}.json"
        done: list[Round] = _rounds(file) if file.exists() else []
        file.parent.mkdir(parents=True, exist_ok=True)
        if len(done) <= self.settings.rounds:
            say(f"{arm}, draw {draw}: {len(done)} of {self.settings.rounds + 1} rounds are there")
        bandit = self._bandit() if arm == BANDIT else None
        for each in done[1:]:
            if bandit is not None:
                bandit.update(self.settings.bandit_arms.index(each["asked"]), each["reward"])
        while len(done) <= self.settings.rounds:
            done.append(self._round(arm, draw, done, bandit))
            write_json(file, done)
        return [{key: each[key] for key in SHOWN if key in each} for each in done]

    def _round(self, arm: str, draw: int, done: list[Round], bandit: Bandit | None) -> Round:
        """Choose texts, train on all that are labelled then, and measure."""
        began = time.monotonic()
        number = len(done)
        labelled = [row for each in done for row in each["rows"]]
        new: Round = {"arm": arm, "draw": draw, "round": number}
        if number == 0:
            random = np.random.default_rng([draw, 0])
            drawn = random.choice(len(self.pool), self.settings.start, replace=False)
            new["rows"] = drawn.tolist()
        else:
            new |= self._chosen(arm, draw, number, labelled, bandit)
        labelled = [*labelled, *new["rows"]]
        policy = self._trained(labelled, draw)
        new["texts"] = len(labelled)
        new["labels"] = int(self.pool.lengths[labelled].sum())
        new |= {"split": self.split, "metric": self.metric}
        new["value"] = evaluate(policy, self.data[self.split])[self.metric]
        if self.feeds and arm == BANDIT:
            new["dev"] = evaluate(policy, self.data["dev"])[self.metric]
        if bandit is not None and number:
            new["reward"] = self._reward(policy, [*done, new])
            bandit.update(self.settings.bandit_arms.index(new["asked"]), new["reward"])
        new["seconds"] = round(time.monotonic() - began, 3)
        return new

    def _chosen(
        self, arm: str, draw: int, number: int, labelled: list[int], bandit: Bandit | None
    ) -> Round:
        """The texts of a round: the same after a break, as the seed is the round's own."""
        n = self.settings.n
        known = np.array(labelled, np.int32)
        view = View(self._trained(labelled, draw), self.pool, seed=draw)
        seed = [draw, number]
        if bandit is None:
            picked = choose(view, known, n, how_of(arm), np.random.default_rng(seed))
            return {"rows": picked.rows.tolist()}
        arms = self.settings.bandit_arms
        asked = bandit.draw(np.random.default_rng([*seed, 1]))
        chances = bandit.probabilities()
        told: Round = {"asked": arms[asked], "chances": chances.tolist()}
        which = range(len(arms)) if self.settings.earned == "weighted" else (asked,)
        picks: dict[int, Rows] = {
            place: choose(view, known, n, how_of(arms[place]), np.random.default_rng(seed)).rows
            for place in which
        }
        rows = picks[asked]
        if self.settings.earned == "weighted":
            left, even = len(self.pool) - len(labelled), arms.index(EVEN)
            q = inclusion(list(picks.values()), chances, rows, even, left)
            told |= {"left": left, "inclusion": q.tolist()}
        return {"rows": rows.tolist(), **told}

    def _reward(self, policy: LabelPolicy, done: list[Round]) -> float:
        """What the arm of the last round earned, 0 to 1."""
        if self.settings.earned == "dev":
            return scaled(done[-1]["dev"] - done[-2]["dev"], self.settings.bandit_scale)
        rounds = done[1:]
        every = np.array([row for each in rounds for row in each["rows"]], np.int32)
        examples = [self.pool.examples[row] for row in every]
        texts = self._encoded(examples)
        gold = texts.gold_of(np.arange(len(texts), dtype=np.int32), texts.max_units)
        right: FloatArray = right_units(predict_labels(policy, texts), gold)
        parts = np.split(right, np.cumsum([len(each["rows"]) for each in rounds])[:-1])
        inclusions = [np.array(each["inclusion"]) for each in rounds]
        found = weighted_accuracy(parts, inclusions, [each["left"] for each in rounds])
        return float(np.clip(found, 0.0, 1.0))

    def _trained(self, labelled: list[int], draw: int) -> LabelPolicy:
        """A labeller of these texts, from scratch; the last one is kept: it is asked for twice."""
        key = (draw, *labelled)
        if self._last is not None and self._last[0] == key:
            return self._last[1]
        texts = self._encoded([self.pool.examples[row] for row in labelled])
        own = replace(self.data, splits={"train": texts})
        agent = make_agent(replace(self.run, seed=draw), own)
        agent.tensorboard_log = None  # one folder for each of hundreds of trainings
        least = LEAST_UPDATES * self.run.batch_size
        texts_of = self.run.episodes or max(least, self.settings.passes * len(labelled))
        agent.learn(total_episodes=texts_of)
        self._last = (key, agent.policy)
        return agent.policy

    def _encoded(self, examples: list[Any]) -> Any:
        how = self.pool.encoding
        return encode(
            *(self.data.task, examples, self.data.space, how.units, how.max_tokens, how.overflow)
        )

    def _bandit(self) -> Bandit:
        arms = len(self.settings.bandit_arms)
        if self.settings.bandit == "ucb":
            return UCB1(arms)
        return EXP3.for_rounds(arms, self.settings.rounds)

    def _begin(self) -> None:
        """Write what is asked for, or make sure that it is what the folder holds."""
        file = self.run.out / "config.json"
        free = {"arms", "draws", "train"}  # further ones may be added
        now = {key: value for key, value in asdict(self.settings).items() if key not in free}
        now["train"] = {k: value for k, value in asdict(self.run).items() if k not in FREE}
        now = json.loads(json.dumps(now, default=str))
        if file.exists():
            with wanted(file, "the options of a comparison"):
                before = dict(read_json(file, nan=True)["arguments"])
            other = sorted(
                key for key in before.keys() | now.keys() if before.get(key) != now.get(key)
            )
            if other:
                raise ValueError(
                    f"{self.run.out} holds a comparison with other options ({', '.join(other)}): "
                    "give another --out, or remove it"
                )
            return
        self.run.out.mkdir(parents=True, exist_ok=True)
        write_json(file, {"arguments": now, **about_run()})


def _rounds(file: Path) -> list[Round]:
    """The rounds that a file holds, each with what a later one goes on from."""
    with wanted(file, "rounds of choosing texts"):
        done = [dict(each) for each in read_json(file, nan=True)]
        for each in done:
            if not all(type(row) is int and row >= 0 for row in each["rows"]):
                raise ValueError("rows are places of texts")
    return done


SHOWN = (
    *("arm", "draw", "round", "texts", "labels", "split", "metric", "value", "asked", "reward"),
    *("dev", "seconds", "rows"),
)
"""What stands in a line of rows.jsonl."""
