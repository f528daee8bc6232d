"""The picture of what a reward says of labelings: a row each, from gold labels down."""

from pathlib import Path

import matplotlib

matplotlib.use("agg")

import numpy as np
from matplotlib import pyplot
from matplotlib.patches import Patch

from lingym.scripts.doctor import Findings
from lingym.scripts.picture import COLOURS

BINS = 40


def draw(findings: Findings, file: Path, title: str) -> None:
    """Draw how often each score is given, and the mean, for each labelling.

    Args:
        findings: the scores.
        file: the picture to write.
        title: what is drawn.
    """
    scores = findings.scores
    low = min(float(own.min()) for own in scores.values())
    high = max(float(own.max()) for own in scores.values())
    if low == high:
        low, high = low - 0.5, high + 0.5
    edges = np.linspace(low, high, BINS + 1)
    figure, axes = pyplot.subplots(figsize=(7.2, 1.3 + 0.52 * len(scores)), layout="constrained")
    shares = {name: np.histogram(own, edges)[0] / len(own) for name, own in scores.items()}
    tallest = max(float(share.max()) for share in shares.values())
    for row, (name, own) in enumerate(scores.items()):
        base, share = -float(row), shares[name] / tallest
        reads = name.split()[0] not in ("all", "no", "commonest", "random")
        colour = COLOURS[1] if reads else COLOURS[2]
        axes.axhline(base, color="0.9", linewidth=0.8, zorder=0)
        axes.bar(
            *(edges[:-1], 0.8 * share, np.diff(edges)), bottom=base, align="edge", color=colour,
            alpha=0.55, linewidth=0,
        )  # fmt: skip
        axes.plot(own.mean(), base, "|", color="0.1", markersize=11, markeredgewidth=1.8)
        axes.text(
            *(high + 0.02 * (high - low), base + 0.12, f"{own.mean():.3f}"),
            color="0.2",
            va="bottom",
        )
    axes.text(high + 0.02 * (high - low), 0.9, "mean", color="0.45", va="bottom")
    axes.set_yticks(-np.arange(len(scores)) + 0.2, list(scores))
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(-len(scores) + 0.75, 1.2)
    axes.set_xlim(low - 0.02 * (high - low), high + 0.13 * (high - low))
    axes.set_xlabel("score of a text; bars: share of the texts, stroke: their mean")
    told = {"better and worse labels": COLOURS[1], "labels given without reading": COLOURS[2]}
    patches = [Patch(color=colour, alpha=0.55, label=text) for text, colour in told.items()]
    figure.legend(handles=patches, frameon=False, ncols=2, loc="outside lower center", fontsize=9)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.set_title(title, fontsize=10, loc="left")
    figure.savefig(file, dpi=150)
    pyplot.close(figure)
