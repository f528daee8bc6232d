"""The picture of a Pareto front."""

from pathlib import Path
from typing import Any

from matplotlib.patheffects import withStroke

from lingym.scripts.picture import COLOURS, pyplot


def draw_front(result: dict[str, Any], file: Path) -> None:
    """Draw two dev metrics of a sweep against each other, and the front.

    Args:
        result: what stands in ``pareto.json``.
        file: the picture to write.
    """
    x, y, means = result["x"], result["y"], result["means"]
    grey, blue, orange, _ = COLOURS
    figure, axes = pyplot.subplots(figsize=(7.2, 4.2), layout="constrained")
    several = len(result["seeds"]) > 1
    if several:
        at = {mean["weight"]: mean["dev"] for mean in means}
        for run in result["runs"]:
            ends = (run["dev"], at[run["weight"]])
            axes.plot(*([end[m] for end in ends] for m in (x, y)), color="0.88", zorder=1)
        every = [[run["dev"][m] for run in result["runs"]] for m in (x, y)]
        axes.plot(*every, color="0.7", **dots(4), label="one seed", zorder=2)
    front = sorted((m["dev"][x], m["dev"][y]) for m in means if m["front"])
    mean_of = f"mean of {len(result['seeds'])} seeds, " if several else ""
    label = f"{mean_of}on the front"
    axes.plot(
        *zip(*front, strict=True), color=orange, marker="o", markersize=7, label=label, zorder=4
    )
    rest = [(m["dev"][x], m["dev"][y]) for m in means if not m["front"]]
    if rest:
        axes.plot(
            *zip(*rest, strict=True),
            **dots(7),
            markerfacecolor="white",
            color=blue,
            label=f"{mean_of}dominated",
            zorder=3,
        )
    if result["start"]:
        axes.plot(
            *([result["start"][m]] for m in (x, y)),
            **dots(6, "D"),
            color=grey,
            label="before: the warm start",
            zorder=3,
        )
    axes.margins(0.12)
    for place, words in labels(result).items():
        note = axes.annotate(words, place, (7, 5), textcoords="offset points", fontsize=9)
        note.set(zorder=5, path_effects=[withStroke(linewidth=3, foreground="white")])
    axes.set_xlabel(f"dev {x.replace('_', ' ')}")
    axes.set_ylabel(f"dev {y.replace('_', ' ')}")
    axes.set_title(
        f"numbers: the weight of {result['reward_a']}; the rest is {result['reward_b']}'s",
        loc="left",
        fontsize=9,
        color=grey,
    )
    axes.grid(color="0.92")
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=9)
    figure.savefig(file, dpi=150)
    pyplot.close(figure)


def dots(size: float, marker: str = "o") -> dict[str, Any]:
    """Markers of a size, without a line between them."""
    return {"marker": marker, "markersize": size, "linestyle": "none"}


def labels(result: dict[str, Any]) -> dict[tuple[float, float], str]:
    """The weights to write, by place; those of means that lie as good as together in one label."""
    x, y, means = result["x"], result["y"], result["means"]
    spans = [
        max(ends) - min(ends) or 1.0
        for ends in ([run["dev"][m] for run in result["runs"]] for m in (x, y))
    ]
    groups: dict[tuple[float, float], list[str]] = {}
    for mean in means:
        place = (mean["dev"][x], mean["dev"][y])
        for other, own in groups.items():
            if all(abs(p - o) < 0.03 * s for p, o, s in zip(place, other, spans, strict=True)):
                own.append(f"{mean['weight']:g}")
                break
        else:
            groups[place] = [f"{mean['weight']:g}"]
    return {place: ", ".join(weights) for place, weights in groups.items()}
