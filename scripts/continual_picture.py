"""Forgetting matrices as a PNG, for slides and terminals that show no SVG."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from lingym.scripts.continual_report import TITLES, cut, named, shown


def draw(found: Mapping[str, Any], file: Path) -> None:
    """A heat map a method: rows are the model after a stage, columns the texts it is measured on.

    Args:
        found: what stands in ``matrix.json``.
        file: the picture to write.
    """
    methods, stages = found["methods"], found["stages"]
    columns = min(3, len(methods))
    rows = math.ceil(len(methods) / columns)
    side = 0.75 * len(stages) + 1.2
    size = (side * columns + 0.8, (side + 0.7) * rows + 0.3)
    figure = Figure(figsize=size, layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    image = None
    for panel, row in zip(panels, methods, strict=False):
        given = shown(row)
        scores = np.array([own for _, own in given])
        image = panel.imshow(scores, cmap="Blues", vmin=0, vmax=1, aspect="auto")
        for (y, x), value in np.ndenumerate(scores):
            ink = "white" if value > 0.6 else "black"
            panel.text(x, y, f"{value:.3f}", ha="center", va="center", color=ink, fontsize=8)
        panel.set_xticks(range(len(stages)), [cut(stage["name"]) for stage in stages], fontsize=8)
        panel.set_yticks(
            range(len(given)), [cut(named(found, row, number)) for number, _ in given], fontsize=8
        )
        panel.set_xlabel("measured on", fontsize=8)
        panel.set_title(TITLES[row["method"]], fontsize=10)
    for place in range(0, len(methods), columns):
        panels[place].set_ylabel("after learning", fontsize=8)
    for panel in panels[len(methods) :]:
        panel.set_visible(False)
    if image is not None:
        figure.colorbar(image, ax=panels.tolist(), label=found["metric"], fraction=0.05)
    figure.savefig(file, dpi=150)
