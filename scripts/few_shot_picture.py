"""The picture of a metric over the examples a label, and over all that was told."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("agg")

import numpy as np
from matplotlib import pyplot
from matplotlib.ticker import NullFormatter, StrMethodFormatter

from lingym.scripts.feedback_picture import COLOURS


def draw(found: Mapping[str, Any], file: Path) -> None:
    """Draw the means with their intervals: over examples a label, and over labels and verdicts.

    Args:
        found: as `lingym.scripts.few_shot_results.results` gives it.
        file: the picture to write.
    """
    figure, panels = pyplot.subplots(1, 2, figsize=(10.8, 4.4), layout="constrained", sharey=True)
    for place, arm in enumerate(found["arms"]):
        colour = COLOURS[place % len(COLOURS)]
        points = arm["points"]
        means = np.array([point["mean"] for point in points])
        for axes, x in (
            (panels[0], [point["shots"] for point in points]),
            (panels[1], [point["labels"] + point["verdicts"] for point in points]),
        ):
            order = np.argsort(x, kind="stable")
            across = np.array(x)[order]
            axes.plot(
                across, means[order], color=colour, marker="o", markersize=4, label=arm["arm"]
            )
            if all(point["low"] is not None for point in points):
                low, high = (np.array([p[end] for p in points])[order] for end in ("low", "high"))
                axes.fill_between(across, low, high, color=colour, alpha=0.12, linewidth=0)
    for axes, told in zip(panels, ("examples a label", "gold labels and verdicts"), strict=True):
        axes.set_xscale("log", base=2)
        axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.set_xlabel(told)
        axes.grid(axis="y", color="0.92")
        axes.spines[["top", "right"]].set_visible(False)
    panels[0].set_ylabel(f"{found['split']} {found['metric'].replace('_', ' ')}")
    panels[1].legend(frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5))
    figure.savefig(file, dpi=150)
    pyplot.close(figure)
