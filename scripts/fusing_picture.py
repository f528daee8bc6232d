"""The picture of the line between two runs."""

from pathlib import Path
from typing import Any

from lingym.scripts.picture import COLOURS, pyplot


def draw_line(curve: dict[str, Any], file: Path) -> None:
    """Draw the dev metric along the line from one run's weights to another's.

    Args:
        curve: what stands in ``curve.json``.
        file: the picture to write.
    """
    grey, blue, orange, _ = COLOURS
    metric = curve["metric"]
    places = [point["lambda"] for point in curve["points"]]
    scores = [point["dev"][metric] for point in curve["points"]]
    figure, axes = pyplot.subplots(figsize=(7.2, 4.2), layout="constrained")
    # What a straight line between the ends would give: above it the two are worth more together.
    ends = (scores[0], scores[-1])
    axes.plot([0, 1], ends, color=grey, linestyle=":", label="between the ends")
    axes.plot(places, scores, color=blue, marker="o", markersize=4, label=f"dev {metric}")
    best = places.index(curve["best"])
    axes.plot(
        [places[best]],
        [scores[best]],
        color=orange,
        marker="o",
        markersize=8,
        linestyle="none",
        label=f"written: λ = {places[best]:g}",
    )
    first, second = (Path(run).name for run in curve["runs"])
    axes.set_xlabel(f"λ: 0 is {first}, 1 is {second}")
    axes.set_ylabel(f"dev {metric.replace('_', ' ')}")
    axes.grid(axis="y", color="0.92")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    figure.savefig(file, dpi=150)
    pyplot.close(figure)
