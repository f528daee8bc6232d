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


def draw_drift(found: dict[str, Any], file: Path) -> None:
    """Draw a metric on two domains over a stream that moves from one to the other.

    Args:
        found: what `lingym bench drift` measured.
        file: the picture to write.
    """
    figure, panels = pyplot.subplots(*(1, 2), figsize=(8.4, 3.8), sharey=True, layout="constrained")
    settings = found["settings"]
    for axes, domain in zip(panels, ("a", "b"), strict=True):
        for share, colour in zip(settings["replays"], COLOURS[1:], strict=False):
            curves = [run["curve"] for run in found["runs"] if run["replay"] == share]
            texts = [point["texts"] for point in curves[0]]
            scores = [[point[domain] for point in curve] for curve in curves]
            seeds = list(zip(*scores, strict=True))
            mean = [sum(each) / len(each) for each in seeds]
            low, high = [min(each) for each in seeds], [max(each) for each in seeds]
            axes.fill_between(texts, low, high, color=colour, alpha=0.15, linewidth=0)
            label = f"{share:.0%} of an update is old texts" if share else "no replay"
            axes.plot(texts, mean, color=colour, marker="o", markersize=3.5, label=label)
        axes.axvline(settings["stream_a"], color="0.8", linewidth=1, zorder=0)
        axes.set_title(f"test texts of domain {domain.upper()}", fontsize=10)
        axes.set_xlabel("texts of the stream: first A, then B")
        axes.grid(axis="y", color="0.92")
        axes.spines[["top", "right"]].set_visible(False)
    panels[0].set_ylabel(found["metric"].replace("_", " "))
    panels[0].legend(frameon=False, loc="lower left")
    figure.savefig(file, dpi=150)
    pyplot.close(figure)
