"""Names that a person gives or reads: of labels, and of the token that stands for a word."""

from typing import Literal

from tokenizers import Tokenizer

from lingym.envs import Episodes
from lingym.envs.tokenizer import SPECIAL
from lingym.rewards import ABSTAIN

Blank = Literal["mask", "pad", "unk"]
NOTHING = frozenset({"O", "no", "out", "stop", "CONTINUE", ABSTAIN})
"""Labels that say that there is nothing to say."""
BLANKS: dict[Blank, tuple[str, ...]] = {
    "mask": (SPECIAL["mask"], "<mask>"),
    "pad": (SPECIAL["pad"], "<pad>", "<|endoftext|>"),
    "unk": (SPECIAL["unk"], "<unk>"),
}


def is_nothing(name: str) -> bool:
    """Whether a label says that there is nothing: O, no, out; of a kind (slots/O) too."""
    return name.rpartition("/")[2] in NOTHING


def blank_id(tokenizer: Tokenizer, blank: Blank | None = None) -> int:
    """The id of the token that stands for a word taken away.

    Raises:
        ValueError: the tokenizer has none.
    """
    wanted: tuple[Blank, ...] = (blank,) if blank else ("mask", "pad", "unk")
    for kind in wanted:
        for name in BLANKS[kind]:
            found = tokenizer.token_to_id(name)
            if found is not None:
                return int(found)
    raise ValueError(
        f"the tokenizer has no token to put for a word ({', '.join(wanted)}): name another blank"
    )


def place_of(episodes: Episodes, row: int, label: str) -> int:
    """The id of a label that a person names; of a candidate its number or its text."""
    space = episodes.space
    if space.form != "candidates":
        if label not in space.places:
            raise ValueError(f"label {label!r} is not one of {', '.join(space.names)}")
        return space.places[label]
    candidates = episodes.examples[row].candidates
    if label in candidates:
        return candidates.index(label)
    if label.isdecimal() and int(label) < len(candidates):
        return int(label)
    raise ValueError(f"label {label!r} is no candidate, of which there are {len(candidates)}")
