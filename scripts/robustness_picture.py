"""The figure of the robustness report as a PNG, for slides and terminals that show no SVG."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

COLOURS = ("#59636d", "#0b6fa4", "#c1542d", "#2f8a6a", "#8459a0", "#a97b00", "#2796ad")
MARKS = ("o", "s", "^", "D", "v", "P", "p")


def draw(results: Mapping[str, Any], file: Path) -> None:
    """A panel a noise: the metric against strength, a line a run with its 95 % intervals.

    Args:
        results: what stands in ``results.json``.
        file: the PNG.
    """
    noises = results["noises"]
    columns = min(3, len(noises))
    rows = math.ceil(len(noises) / columns)
    figure = Figure(figsize=(3.6 * columns, 2.9 * rows + 0.5), layout="constrained")
    panels = figure.subplots(rows, columns, sharey=True, squeeze=False).ravel()
    shift = 0.012 * max(row["strength"] for row in results["scores"])  # whiskers stand apart
    for panel, noise in zip(panels, noises, strict=False):
        for number, run in enumerate(results["runs"]):
            own = [
                (row["strength"], row["score"])
                for row in results["scores"]
                if row["noise"] == noise["name"] and row["run"] == run["name"]
            ]
            points = [(0.0, run["plain"]["score"]), *own]
            means = [found["mean"] for _, found in points]
            panel.errorbar(
                [at + shift * (number - (len(results["runs"]) - 1) / 2) for at, _ in points],
                means,
                yerr=[
                    [m - found["low"] for m, (_, found) in zip(means, points, strict=True)],
                    [found["high"] - m for m, (_, found) in zip(means, points, strict=True)],
                ],
                color=COLOURS[number % len(COLOURS)],
                marker=MARKS[number % len(MARKS)],
                markersize=4,
                linewidth=1.5,
                capsize=2,
                label=run["name"],
            )
        panel.set_title(noise["title"], fontsize=10)
        panel.set_xlabel("strength", fontsize=9)
        panel.grid(alpha=0.3)
        panel.tick_params(labelsize=8)
    for panel in panels[len(noises) :]:
        panel.set_visible(False)
    for row in range(rows):
        panels[row * columns].set_ylabel(results["metric"], fontsize=9)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(
        handles, labels, loc="outside upper center", ncols=min(4, len(labels)), fontsize=9
    )
    figure.savefig(file, dpi=150)
