"""The picture of a metric over the number of labels, by who chose them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("agg")

from matplotlib import pyplot
from matplotlib.ticker import StrMethodFormatter

from lingym.scripts.feedback_picture import COLOURS


def draw(found: Mapping[str, Any], file: Path) -> None:
    """Draw the mean curve of each way with its interval; choosing at random in black.

    Args:
        found: as `lingym.scripts.active_results.results` gives it.
        file: the picture to write.
    """
    figure, axes = pyplot.subplots(figsize=(8.4, 4.8), layout="constrained")
    others = [arm["arm"] for arm in found["arms"] if arm["arm"] != found["even"]]
    for arm in found["arms"]:
        name, points = arm["arm"], arm["points"]
        even = name == found["even"]
        colour = "black" if even else COLOURS[others.index(name) % len(COLOURS)]
        x, y = [point["labels"] for point in points], [point["mean"] for point in points]
        style = "--" if even else "-"
        axes.plot(x, y, style, color=colour, marker="o", markersize=3, label=name)
        if all(point["low"] is not None for point in points):
            low, high = ([point[end] for point in points] for end in ("low", "high"))
            axes.fill_between(x, low, high, color=colour, alpha=0.1, linewidth=0)
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.set_xlabel("labels")
    axes.set_ylabel(f"{found['split']} {found['metric'].replace('_', ' ')}")
    axes.grid(axis="y", color="0.92")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5))
    figure.savefig(file, dpi=150)
    pyplot.close(figure)
