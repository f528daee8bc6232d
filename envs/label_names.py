"""What labels are about, in words: a tag's type, a candidate label, a class."""

import re
from collections.abc import Mapping
from pathlib import Path

from lingym.reading import read_text
from lingym.rewards import ABSTAIN
from lingym.types import DataError, LabelSpace

OUTSIDE = "O"
BREAKS = re.compile(r"[\s_\-/.:|]+|(?<=[a-z])(?=[A-Z])")
"""Where a name falls into words: at signs, and before a capital inside."""


def subjects(space: LabelSpace) -> tuple[str | None, ...]:
    """What each label is about; None for O and ABSTAIN, which are about nothing.

    - named labels: the label itself;
    - IOB2 tags: the type, so that B-x and I-x are about the same;
    - units of several kinds, and mixes: ``kind/`` and one of these;
    - yes-or-no labels: each candidate label (as many as the space has roles).

    Raises:
        ValueError: labels are candidates of each text, or counted, and are about nothing.
    """
    if uncounted(space):
        raise ValueError("labels that are a text's own candidates or choices have no names")
    if space.form == "text":
        return space.roles
    tagged = [space.transitions is not None]
    if space.kinds:
        tagged = [space.of_kind(kind)[0].transitions is not None for kind in space.kinds]
    about: list[str | None] = []
    for place, name in enumerate(space.names):
        owner = 0 if space.kind_of_label is None else int(space.kind_of_label[place])
        kind = f"{space.kinds[owner]}/" if space.kinds else ""
        tag = name.removeprefix(kind)
        if name == ABSTAIN or (tagged[owner] and tag == OUTSIDE):
            about.append(None)
        else:
            about.append(kind + tag.partition("-")[2] if tagged[owner] else name)
    return tuple(about)


def uncounted(space: LabelSpace) -> bool:
    """Whether the labels are a text's own candidates, or are counted, or end the episode."""
    counted = space.quota is not None and space.names[-1:] != (ABSTAIN,)
    return space.form == "candidates" or counted or space.stop is not None


def spoken(subject: str, space: LabelSpace) -> str:
    """The words of a label's name: ``slot/AddToPlaylist`` is "Add To Playlist"."""
    kind = next((kind for kind in space.kinds if subject.startswith(f"{kind}/")), None)
    name = subject if kind is None else subject[len(kind) + 1 :]
    return " ".join(BREAKS.split(name)).strip() or subject


def label_texts(space: LabelSpace, file: Path | None = None) -> dict[str, str]:
    """What stands for each subject of a space's labels: words for an encoder to read.

    Args:
        space: the labels.
        file: lines of a label, a tab, and words, each label once; None: the names themselves.

    Raises:
        DataError: a line of the file is not like that, or names a label that there is not.
        ValueError: the labels have no names, a label has no line, or names are numbers.
    """
    wanted = [about for about in dict.fromkeys(subjects(space)) if about is not None]
    if file is not None:
        given = _read(file, wanted)
        lacking = [about for about in wanted if about not in given]
        if lacking:
            raise ValueError(f"{file} lacks a line for {', '.join(lacking)}")
        return {about: given[about] for about in wanted}
    texts = {about: spoken(about, space) for about in wanted}
    numbers = [about for about, words in texts.items() if not re.search(r"[^\W\d]", words)]
    if numbers:
        raise ValueError(
            f"the label {numbers[0]!r} has no word in its name: say what labels mean in a file of "
            "label<TAB>words (--label-names)"
        )
    return texts


def _read(file: Path, wanted: list[str]) -> Mapping[str, str]:
    given: dict[str, str] = {}
    for number, line in enumerate(read_text(file).split("\n"), 1):
        if not line.strip():
            continue
        label, _, words = (part.strip() for part in line.partition("\t"))
        if "\t" not in line or not words:
            raise DataError(f"{file}:{number}: wanted a label, a tab, and words; got {line!r}")
        if label not in wanted:
            raise DataError(
                f"{file}:{number}: there is no label {label!r}: they are {', '.join(wanted)}"
            )
        if label in given:
            raise DataError(f"{file}:{number}: the label {label!r} has a line already")
        given[label] = words
    return given
