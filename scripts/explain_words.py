"""Explanations for a terminal and for programs."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from lingym.agents.explain import Faithfulness
from lingym.agents.explain.faithfulness import MEASURES
from lingym.scripts.explain_texts import Text, Unit

SHOWN = 8
"""Words of a label that a terminal shows."""
BAR = 12
"""Characters of the longest bar."""
LEAST = 0.001
"""Attributions below this are not shown."""


def told(text: Text) -> str:
    """An explained text in lines: every label, and the words that did most for and against it."""
    score = "" if text.score is None else f"  score {text.score:.4g}"
    lines = [f"{text.name}{score}"]
    found = text.found
    for place, (number, target) in enumerate(zip(found.units, text.targets, strict=True)):
        lines.append(f"  {heading(text.units[number], target, found.probabilities[place])}")
        scores = found.scores[place]
        most = float(np.abs(scores).max(initial=0))
        if most < LEAST:
            lines.append(f"    no word has {LEAST} of it")
        for word in np.argsort(-np.abs(scores), kind="stable")[:SHOWN]:
            if abs(scores[word]) < LEAST:  # it would read as nothing, beside a bar
                continue
            bar = "█" * max(1, round(BAR * abs(scores[word]) / most))
            lines.append(f"    {scores[word]:+8.3f}  {bar:<{BAR}}  {found.layout.words[word]}")
    return "\n".join(lines)


def heading(unit: Unit, target: str, probability: float) -> str:
    """A unit, the label that is explained, and what is known of it."""
    parts = [f"{short(unit.name)}  {target}  probability {probability:.3f}"]
    if target != unit.label:
        parts.append(f"given {unit.label}")
    if unit.gold is not None:
        parts.append(f"gold {unit.gold}")
    if unit.worth is not None:
        parts.append(f"worth {signed(unit.worth)} against {unit.other}")
    return ", ".join(parts)


def signed(value: float) -> str:
    """A number with its sign, three digits; 0 has none."""
    return "0" if abs(value) < 5e-7 else f"{value:+.3g}"


def short(text: str, length: int = 60) -> str:
    """The beginning of a long text."""
    return text if len(text) <= length else text[: length - 3] + "..."


def as_json(text: Text) -> dict[str, Any]:
    """An explained text as JSON values."""
    found = text.found
    return {
        "text": text.name,
        "words": list(found.layout.words),
        "units": [vars(unit) for unit in text.units],
        "score": text.score,
        "explained": [
            {
                "unit": int(unit),
                "label": text.targets[place],
                "probability": float(found.probabilities[place]),
                "whole": float(found.whole[place]),
                "empty": float(found.empty[place]),
                "error": None if found.error is None else float(found.error[place]),
                "scores": found.scores[place].tolist(),
            }
            for place, unit in enumerate(found.units)
        ],
    }


def table(rows: Sequence[Faithfulness], texts: int) -> str:
    """The deletion test as a table, and what to make of it."""
    width = max(len(row.method) for row in rows)
    head = "".join(f"  {name:<24}" for name in MEASURES)
    lines = [f"{texts} texts, one label each", "", f"{'method':<{width}}{head}".rstrip()]
    for row in rows:
        cells = ""
        for name in MEASURES:
            own, beyond = getattr(row, name), row.beyond[name]
            clear = row.method != "random" and (beyond.low > 0 or beyond.high < 0)
            told = f"{own.mean:+.3f} [{own.low:+.3f}, {own.high:+.3f}]{'*' * clear}"
            cells += f"  {told:<24}"
        lines.append(f"{row.method:<{width}}{cells}".rstrip())
    lines += [
        "",
        "comprehensiveness: how far the label's probability falls without the first words (higher "
        "is better);",
        "sufficiency: with these words alone; area: under the probability as the words go (lower "
        "is better).",
        "* the difference from random orders of the same texts has a 95 % interval without 0.",
    ]
    return "\n".join(lines)
