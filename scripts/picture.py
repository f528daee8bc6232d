"""The picture of learning curves."""

from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("agg")

from matplotlib import pyplot

COLOURS = ("#5b6770", "#0b6fa4", "#c1542d", "#3f8f4f")


def draw_curves(
    runs: dict[str, dict[str, Any]], file: Path, before: str, metric: str = "entity_f1"
) -> None:
    """Draw the dev metric of runs against the texts they learned from.

    Args:
        runs: metrics by run, each with its ``curve``.
        file: the picture to write.
        before: the run that the others went on from; theirs are drawn from its end on.
        metric: what is drawn.
    """
    figure, axes = pyplot.subplots(figsize=(7.2, 4.2), layout="constrained")
    offset = runs[before]["training"]["episodes"]
    for (name, run), colour in zip(runs.items(), COLOURS, strict=False):
        shift = 0 if name == before else offset
        texts = [point["episodes"] + shift for point in run["curve"]]
        scores = [point["metrics"][metric] for point in run["curve"]]
        axes.plot(texts, scores, color=colour, marker="o", markersize=3.5, label=name)
    axes.axvline(offset, color="0.8", linewidth=1, zorder=0)
    axes.set_xlabel("texts learned from")
    axes.set_ylabel(f"dev {metric.replace('_', ' ')}")
    axes.set_ylim(bottom=0)
    axes.grid(axis="y", color="0.92")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, loc="lower right")
    figure.savefig(file, dpi=150)
    pyplot.close(figure)
