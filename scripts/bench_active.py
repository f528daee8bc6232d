"""`lingym bench active`: a metric against the number of labels, by who chooses what is labelled."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from lingym.scripts.options_augment import Augmenting
from lingym.scripts.train import Train

BANDIT = "bandit"
EVEN = "random"
DEFAULT = (EVEN, "entropy-mean", "margin", "k-center", BANDIT)
FROZEN_RATE = 3e-3


@dataclass(frozen=True)
class ActiveCurves:
    """Label a few texts, then further ones in rounds, each way of choosing from the same start.

    A labeller is trained anew after each round, by supervised learning, on frozen features unless
    --tune says otherwise. Everything is simulated on labelled texts, and measured on test (on dev,
    where there is none). No labeller chooses by dev.
    """

    train: Train
    """The options of `lingym train` that all labellers share. --out is the folder of all. By
    default --tune is frozen, and --learning-rate then 3e-3. --episodes are the texts of one
    training, repeats counted, instead of --passes."""
    start: int = 20
    """Labelled texts at the beginning, drawn at random by the draw's seed."""
    rounds: int = 10
    """Rounds of labelling."""
    n: int = 20
    """Texts that are labelled in a round."""
    draws: tuple[int, ...] = (0, 1, 2, 3, 4)
    """Seeds, each of a start and of all that is random from there."""
    arms: tuple[str, ...] = DEFAULT
    """Who chooses: random (which the others are compared with), least-confidence, mnlp, margin,
    entropy, entropy-mean, bald, density, k-center, badge, bandit, or a folder that
    `lingym learn-next` wrote."""
    bandit: Literal["exp3", "ucb"] = "exp3"
    """How the bandit learns which of its arms to ask."""
    bandit_arms: tuple[str, ...] = (EVEN, "entropy-mean", "k-center")
    """Its arms, one of which chooses all texts of a round."""
    bandit_reward: Literal["dev", "weighted"] | None = None
    """What its arms earn: the gain of the metric on dev, whose labels are then used (which needs
    test beside it), or the importance-weighted accuracy on the texts labelled so far, which needs
    no further labels (exp3 with random among its arms). By default weighted for exp3, dev for
    ucb."""
    bandit_scale: float = 0.1
    """dev: the gain of a round that earns the most, 1; none earns 1/2."""
    passes: int = 20
    """Of a training over the labelled texts; 40 updates at the least."""

    def run(self) -> None:
        """Do the rounds that are not done yet; write rows, results, a picture and a table."""
        import json

        from lingym.scripts.active_picture import draw
        from lingym.scripts.active_results import results, table
        from lingym.scripts.active_runs import Simulation
        from lingym.scripts.run_folder import write_json

        self.check()
        simulation = Simulation(self)
        rows: list[dict[str, Any]] = []
        out = self.train.out
        for seed in self.draws:
            for arm in self.arms:
                rows += simulation.rows(arm, seed)
                text = "".join(json.dumps(row) + "\n" for row in rows)
                (out / "rows.jsonl").write_text(text, encoding="utf-8")
        found = results(rows, EVEN)
        write_json(out / "results.json", found)
        draw(found, out / "active.png")
        (out / "active.md").write_text(table(found), encoding="utf-8")
        print(table(found), end="")

    def check(self) -> None:
        """Refuse what makes no comparison, before a file is read.

        Raises:
            ValueError: an option is out of its range, or does not go with another.
        """
        from lingym.agents.active.choose import how_of
        from lingym.scripts.train_check import check_numbers

        check_numbers(self.train)
        self.shared.tuning.check("supervised", self.train.warm_start is not None)
        for name in ("start", "rounds", "n", "passes"):
            if getattr(self, name) < 1:
                raise ValueError(f"--{name} must be 1 or more, got {getattr(self, name)}")
        for name, values in (("draws", self.draws), ("arms", self.arms)):
            if not values or len(set(values)) < len(values):
                raise ValueError(f"--{name} are {list(values)}: wanted one or more, each once")
        if min(self.draws) < 0:
            raise ValueError(f"--draws are {list(self.draws)}: wanted 0 or more")
        if len({Path(arm).name for arm in self.arms}) < len(self.arms):
            raise ValueError(f"--arms are {list(self.arms)}: two folders have the same name")
        if EVEN not in self.arms:
            raise ValueError("--arms need random, which the others are compared with")
        if self.train.augmenting != Augmenting():
            raise ValueError("augmented texts cannot be labelled: leave out their options")
        if self.train.little.few_shot is not None or self.train.little.zero_shot:
            raise ValueError("--few-shot and --zero-shot say what is labelled: leave them out")
        for arm in self.arms:
            if arm != BANDIT:
                how_of(arm)
        if BANDIT in self.arms:
            self.check_bandit()

    def check_bandit(self) -> None:
        """Refuse a bandit that cannot learn, as `check`."""
        from lingym.agents.active.choose import how_of

        arms = self.bandit_arms
        if len(arms) < 2 or len(set(arms)) < len(arms) or BANDIT in arms:
            raise ValueError(f"--bandit-arms are {list(arms)}: wanted two or more ways, each once")
        for arm in arms:
            how_of(arm)
        if not 0 < self.bandit_scale < float("inf"):
            raise ValueError(f"--bandit-scale must be above 0, got {self.bandit_scale}")
        if self.earned == "weighted" and (self.bandit == "ucb" or EVEN not in arms):
            raise ValueError(
                "--bandit-reward weighted needs a chance for every text to be chosen: --bandit "
                "exp3, and random among --bandit-arms"
            )

    @property
    def earned(self) -> str:
        """What the bandit's arms earn."""
        return self.bandit_reward or ("weighted" if self.bandit == "exp3" else "dev")

    @property
    def shared(self) -> Train:
        """The options of all trainings."""
        run = replace(self.train, agent="supervised", reward=None, keep_best=False)
        if run.tuning.tune is None and run.warm_start is None:
            run = replace(run, tuning=replace(run.tuning, tune="frozen"))
        if run.tuning.tune == "frozen" and run.learning_rate is None:
            run = replace(run, learning_rate=FROZEN_RATE)
        return run
