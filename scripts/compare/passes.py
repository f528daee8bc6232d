"""A cell's run: its options put together, and as many passes as every other arm has.

A pass is one text going through the encoder forward and backward once. PPO goes over each rollout
``n_epochs`` times, so that its run has ``passes / n_epochs`` episodes, rounded up; all others have
one episode a pass, however many labelings they sample from it.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from lingym.scripts.compare.cells import Cell
from lingym.scripts.compare.options import FILES, fitting, make_train
from lingym.scripts.compare.prepare import count_texts, sources
from lingym.scripts.compare.study import Arm, Data, Study
from lingym.scripts.train import Train

PLACEHOLDER = re.compile(r"\{(\w+)\}")
"""What stands for one of a data set's rewards; ``by_kind(**{"sst-2": f1})`` is none."""


def options_of(cell: Cell, study: Study, out: Path) -> Train:
    """The whole run of a warm or train cell; see `Cell.train_options`."""
    if cell.kind not in ("warm", "train"):
        raise ValueError(f"{cell.id}: a {cell.kind} cell is no run of lingym train")
    data = study.data_named(cell.data)
    arm = None if cell.arm is None else study.arm_named(cell.arm)
    if cell.chosen and arm is not None and set(cell.settings) != set(arm.grid):
        raise ValueError(f"{cell.id}: its settings are still to be chosen")
    run = run_of_arm(study, data, arm, cell.settings, out / "cells" / cell.id)
    files = sources(data, out)
    changed: dict[str, Any] = {"train": files["train"], "dev": files["dev"], "seed": cell.seed}
    if cell.share < 1:
        texts = count_texts(files["train"], "train", run.reading)
        whole = min(texts, run.train_limit or texts)
        changed["train_limit"] = math.ceil(cell.share * whole - 1e-9)
    if arm is not None and arm.start == "warm":
        changed["warm_start"] = out / "cells" / warm_id(cell.id)
    passes = passes_of(study, data, arm, cell.share)
    changed |= rhythm(run, passes, study.measures, "rollout" in asked(study, data, arm, {}))
    return replace(run, **changed)


def run_of_arm(
    study: Study, data: Data, arm: Arm | None, settings: Mapping[str, Any], out: Path
) -> Train:
    """A run with the options that the study file gives, its files and length left out.

    Args:
        study: that it is of.
        data: the data set.
        arm: the arm; None is the supervised warm start.
        settings: a point of the arm's grid.
        out: the run's folder.
    """
    options = asked(study, data, arm, settings)
    return make_train({**options, "metric": data.metric, "keep_best": True}, out)


def asked(study: Study, data: Data, arm: Arm | None, settings: Mapping[str, Any]) -> dict[str, Any]:
    """The options of the file for one run, the nearer before the more general.

    Of the options for all runs, those are left out that this run's agent has no use for, and the
    encoder where a warm start brings it.

    Raises:
        ValueError: a reward has a {name} that the data set says no reward for.
    """
    own = {} if arm is None else {**arm.options, **data.arms.get(arm.name, {}), **settings}
    agent = own.setdefault("agent", "supervised")
    general = fitting({**study.defaults, **data.options}, agent)
    if arm is not None and arm.start == "warm":
        general.pop("encoder", None)
    options = {**general, **own}
    for name in (*FILES, "test_limit"):
        options.pop(name, None)
    if isinstance(options.get("reward"), str):
        who = "defaults" if arm is None else f"arm {arm.name!r}"
        options["reward"] = reward_of(options["reward"], data, who)
    return options


def reward_of(text: str, data: Data, who: str) -> str:
    """A reward's text with the data set's own rewards in the places of their {names}.

    Args:
        text: of the reward.
        data: has rewards by name.
        who: asks for it, for errors.

    Raises:
        ValueError: the data set has none of that name.
    """

    def one(match: re.Match[str]) -> str:
        if match[1] not in data.rewards:
            known = ", ".join(data.rewards) or "none"
            raise ValueError(
                f"data set {data.name!r} has no reward {match[0]}, which {who} needs: "
                f"it has {known}"
            )
        return data.rewards[match[1]]

    return PLACEHOLDER.sub(one, text)


def passes_of(study: Study, data: Data, arm: Arm | None, share: float = 1.0) -> int:
    r"""Passes of an arm's run, or of the warm start.

    With a share :math:`q` of the gold they are :math:`\min(p, \max(\text{least}, \lceil q p \rceil
    ))`, for the warm start and for what follows it each.
    """

    def scaled(passes: int) -> int:
        if study.shares is None or share == 1:
            return passes
        return min(passes, max(study.shares.least, math.ceil(share * passes - 1e-9)))

    if arm is None:
        return scaled(data.warm)
    return scaled(data.more) + (scaled(data.warm) if arm.start == "nothing" else 0)


def rhythm(run: Train, passes: int, measures: int, own_rollout: bool) -> dict[str, int]:
    """Episodes, and measurements on dev at equal distances.

    A run is measured between rollouts. Where the study says no rollout, it is made such that whole
    rollouts, of whole batches, lie between two measurements. So every arm has equally many, but
    where rounding up to whole batches leaves one out at the end of a short run.
    """
    epochs = run.n_epochs if run.agent == "ppo" else 1
    episodes = math.ceil(passes / epochs)
    every = math.ceil(episodes / measures)
    found = {"episodes": episodes, "eval_every": every}
    if not own_rollout:
        rollouts = math.ceil(every / run.rollout)
        found["rollout"] = math.ceil(every / rollouts / run.batch_size) * run.batch_size
    return found


def warm_id(cell: str) -> str:
    """The id of the warm start that a cell goes on from: beside its arm's folder."""
    return f"{cell.rsplit('/', 2)[0]}/warm"
