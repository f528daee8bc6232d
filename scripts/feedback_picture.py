"""The picture of a metric over the feedback that was spent."""

from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("agg")

import numpy as np
from matplotlib import pyplot
from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

from lingym.scripts.bench_feedback import GOLD, START

COLOURS = (
    *("#0b6fa4", "#c1542d", "#3f8f4f", "#8a5aa8", "#b8860b", "#4aa3a2", "#a83f6f", "#7a7a2e"),
    *("#2f4b7c", "#d98c5f"),
)


def draw(curves: list[dict[str, Any]], file: Path, metric: str) -> None:
    """Draw the dev metric of each kind of feedback over its verdicts, seeds thin, their mean thick.

    Args:
        curves: as `lingym.scripts.bench_feedback.curve` gives them.
        file: the picture to write.
        metric: what it is called.
    """
    figure, axes = pyplot.subplots(figsize=(8.4, 4.8), layout="constrained")
    names = [name for name in dict.fromkeys(run["feedback"] for run in curves) if name != START]
    colours = {name: COLOURS[place % len(COLOURS)] for place, name in enumerate(names)}
    colours[GOLD] = "black"
    for name in names:
        runs = [run for run in curves if run["feedback"] == name]
        # Nothing is spent before the run, nor while feedback is still late.
        told = [[point for point in run["curve"] if point["spent"]] for run in runs]
        spent = [[point["spent"] for point in points] for points in told]
        dev = [[point["dev"] for point in points] for points in told]
        for x, y in zip(spent, dev, strict=True):
            axes.plot(x, y, color=colours[name], linewidth=0.7, alpha=0.4)
        if len({len(y) for y in dev}) == 1:
            x, y = np.mean(spent, 0), np.mean(dev, 0)
            axes.plot(x, y, color=colours[name], linewidth=2, label=name, marker="o", markersize=3)
        else:
            axes.plot([], [], color=colours[name], linewidth=2, label=name)
    start = np.mean([run["dev"] for run in curves if run["feedback"] == START])
    axes.axhline(float(start), color="0.6", linewidth=1, linestyle="--", label=START)
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel("verdicts (for gold labels: labels) spent")
    axes.set_ylabel(f"dev {metric.replace('_', ' ')}")
    axes.grid(axis="y", color="0.92")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5))
    figure.savefig(file, dpi=150)
    pyplot.close(figure)
