"""What only the texts can tell, looked at before the first cell runs: metrics and rewards."""

from collections.abc import Sequence
from pathlib import Path

from lingym.agents.evaluate import check_metric
from lingym.envs import LabelVectorEnv
from lingym.scripts.compare.cells import Cell
from lingym.scripts.compare.passes import run_of_arm
from lingym.scripts.compare.study import Study
from lingym.scripts.compare.texts import texts_of
from lingym.scripts.training import metric_names


def check_texts(study: Study, cells: Sequence[Cell], out: Path) -> None:
    """Read each data set that cells are to learn from, and try its metric and every arm's reward.

    A reward is bound to the labels, not scored. The texts are kept, so that no cell reads them
    again.

    Args:
        study: that the cells are of.
        cells: those that will be run.
        out: the folder of the study's results.

    Raises:
        ValueError: a metric is none of the task's, or a reward cannot score these labels; the
            message names the data set and the arm.
    """
    for data in study.data:
        begun = [c for c in cells if c.data == data.name and c.kind in ("warm", "train")]
        fresh = [c for c in begun if c.arm is None or study.arm_named(c.arm).start == "nothing"]
        if not fresh:
            continue
        first = min(fresh, key=lambda cell: -cell.share)
        dataset = texts_of(first.train_options(study, out), out)
        try:
            check_metric(data.metric, metric_names(dataset), dataset.space)
        except ValueError as error:
            raise ValueError(f"data set {data.name!r}: {error}") from error
        for arm in study.arms_on(data.name):
            if arm.of is not None:
                continue
            reward = run_of_arm(study, data, arm, {}, out).reward
            try:
                LabelVectorEnv(dataset=dataset, reward=reward)
            except ValueError as error:
                raise ValueError(f"data set {data.name!r}, arm {arm.name!r}: {error}") from error
