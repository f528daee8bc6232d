"""A text, its gold labels and the labels given so far, for a terminal."""

from collections.abc import Sequence

from lingym.types import IntArray


def render_text(
    words: Sequence[str], gold: IntArray, labels: IntArray, names: Sequence[str]
) -> str:
    """One line a unit: the cursor, the unit, its gold label, and the label given.

    Args:
        words: the U units.
        gold: [U] gold label ids.
        labels: [U] label ids given so far, -1 where undecided.
        names: the label names.
    """
    cursor = int((labels >= 0).sum())
    width = min(40, max(4, *(len(word) for word in words)))
    column = max(4, *(len(names[g]) for g in gold))
    lines = [f"  {'text':<{width}}  {'gold':<{column}}  given"]
    for place, (word, g, label) in enumerate(zip(words, gold, labels, strict=True)):
        given = "" if label < 0 else names[label]
        verdict = "" if label < 0 else ("  ok" if label == g else "  wrong")
        arrow = ">" if place == cursor else " "
        shown = word if len(word) <= width else word[: width - 3] + "..."
        lines.append(f"{arrow} {shown:<{width}}  {names[g]:<{column}}  {given}{verdict}".rstrip())
    return "\n".join(lines)
