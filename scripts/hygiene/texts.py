"""What an encoder reads of an example, and its gold labels, as plain text."""

from collections.abc import Sequence

from lingym.envs.tasks import Example


def text_of(example: Example, of_text: bool) -> str:
    """What an encoder reads of a text, piece by piece: a question, its context, its choices.

    A piece that is read several times, as a context is with each choice, stands here once.

    Args:
        example: the text.
        of_text: as the label space has it.
    """
    pieces: dict[str, None] = {}
    for passage in example.read(of_text):
        pieces |= dict.fromkeys((passage.before, " ".join(passage.words)))
    return "\n".join(piece for piece in pieces if piece)


def gold_of(example: Example, roles: Sequence[str] = ()) -> str:
    """The gold labels of a text for a person: those that fit, where each is yes or no.

    Args:
        example: the text.
        roles: the candidate labels of a multi-label task.
    """
    gold = example.gold or ()
    if roles:
        given = [role for role, answer in zip(roles, gold, strict=True) if answer == "yes"]
        return ", ".join(given) or "(none)"
    if example.candidates:
        places = [g for g in gold if isinstance(g, int) and g < len(example.candidates)]
        return " ".join(example.candidates[place] for place in places) or str(gold)
    return " ".join(map(str, gold))


def short(text: str, most: int = 100) -> str:
    """The beginning of a text, on one line."""
    text = " ".join(text.split())
    return text if len(text) <= most else text[: most - 1] + "…"
