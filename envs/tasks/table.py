"""Units with their gold labels and the labels given so far, for a terminal."""

from collections.abc import Sequence

WIDEST = 40


def table(
    units: Sequence[str], gold: Sequence[str], given: Sequence[str], ended: bool = False
) -> str:
    """One line a unit: the cursor, the unit, its gold label, the label given, and whether right.

    Args:
        units: the U units.
        gold: [U] gold labels, "" where a unit has none; where none has, nothing is right or wrong.
        given: [U] labels given so far, "" where undecided.
        ended: whether a label ended the episode, so that there is no cursor any more.
    """
    undecided = (place for place, label in enumerate(given) if not label and not ended)
    cursor = next(undecided, len(given))
    width = min(WIDEST, max(4, *(len(unit) for unit in units)))
    column = min(WIDEST, max(4, *(len(label) for label in gold)))
    told = any(gold)
    lines = [f"  {'text':<{width}}  {'gold':<{column}}  given"]
    for place, (unit, right, label) in enumerate(zip(units, gold, given, strict=True)):
        verdict = "" if not label or not told else ("  ok" if label == right else "  wrong")
        arrow = ">" if place == cursor else " "
        shown = f"{short(unit, width):<{width}}  {short(right, column):<{column}}"
        lines.append(f"{arrow} {shown}  {short(label, WIDEST)}{verdict}".rstrip())
    return "\n".join(lines)


def short(text: str, width: int) -> str:
    """A text in one line of at most `width` characters."""
    text = " ".join(text.split())
    return text if len(text) <= width else text[: width - 3] + "..."
