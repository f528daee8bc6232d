"""Texts that stand in more than one split of a data set, exactly or nearly."""

import json
import time
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lingym.reading import read_json
from lingym.scripts.compare.looks import sha256, sha256_of
from lingym.scripts.compare.near import shingles, similar
from lingym.scripts.compare.options import OF_SPLITS
from lingym.scripts.compare.study import Data, Study, slug
from lingym.scripts.run_folder import write_json
from lingym.scripts.train import Train

SHINGLE = 5
"""Characters. Word trigrams see hardly any near repeat of a short text: one other word of eight
changes three of six trigrams. Of 700 SNIPS test texts they find 1 and characters find 9, of 5,427
GoEmotions texts 0 and 34. Characters also serve languages that put no spaces between words."""
LEAST = 3
"""A text of fewer shingles (shorter than 7 characters) is repeated exactly or not at all."""
NEAR = 0.8
"""The similarity from which on a text is a near repeat."""
PAIRS = (("train", "dev"), ("train", "test"), ("dev", "test"))
SHOWN = 6
"""Examples, of at most `CUT` characters."""
CUT = 200


@dataclass(frozen=True)
class Repeat:
    """A text of a later split, and the text of an earlier one that is most like it.

    Attributes:
        row: of the later split, from 0.
        split: the earlier one.
        of: the row there; the first of those that are equally similar.
        similarity: 1 for an exact repeat, else the Jaccard similarity of their sets of shingles.
        exact: whether they are the same but for case, spaces and Unicode's compatible forms.
    """

    row: int
    split: str
    of: int
    similarity: float
    exact: bool


@dataclass(frozen=True)
class Repeats:
    """The repeats of a data set.

    Attributes:
        near: the similarity from which on a text is a near repeat.
        found: for (train, dev), (train, test) and (dev, test) each text of the second split that
            has a repeat in the first, in the order of its rows.
    """

    near: float
    found: Mapping[tuple[str, str], tuple[Repeat, ...]]

    def counts(self, earlier: str, later: str) -> dict[str, int]:
        """Texts of the later split with an exact repeat, and those with a near one only."""
        exact = sum(repeat.exact for repeat in self.found[earlier, later])
        return {"exact": exact, "near": len(self.found[earlier, later]) - exact}

    def test(self) -> list[Repeat]:
        """The test texts that have a repeat in train or dev, each with the most similar one."""
        best: dict[int, Repeat] = {}
        for earlier in ("train", "dev"):
            for repeat in self.found[earlier, "test"]:
                now = best.get(repeat.row, repeat)
                best[repeat.row] = max(now, repeat, key=lambda r: (r.exact, r.similarity))
        return [best[row] for row in sorted(best)]


def normalised(text: str) -> str:
    """A text in Unicode's compatible forms (NFKC), without case, with single spaces."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def repeats(
    train: Sequence[str], dev: Sequence[str], test: Sequence[str], near: float = NEAR
) -> Repeats:
    """The exact and near repeats between the splits of a data set; those within one are none.

    Two texts are near if the sets of all runs of 5 characters in them have a Jaccard similarity
    of `near` or more (Broder 1997). All pairs are found: see `lingym.scripts.compare.near`.

    Args:
        train: texts; `dev` and `test` likewise.
        dev: see `train`.
        test: see `train`.
        near: above 0 and at most 1.

    Raises:
        ValueError: near is none of those.
    """
    if not 0 < near <= 1:
        raise ValueError(f"near must be above 0 and at most 1, got {near}")
    numbers: dict[str, int] = {}  # of the different texts
    rows = {
        split: [numbers.setdefault(normalised(text), len(numbers)) for text in texts]
        for split, texts in (("train", train), ("dev", dev), ("test", test))
    }
    sets = shingles(list(numbers), SHINGLE)
    found = {}
    for earlier, later in PAIRS:
        first: dict[int, int] = {}
        for row, number in enumerate(rows[earlier]):
            first.setdefault(number, row)
        best = {number: (1.0, row, True) for number, row in first.items()}
        new = np.array(sorted(set(rows[later]) - first.keys()), np.int64)
        pairs = similar(sets, new, np.array(sorted(first), np.int64), near, LEAST)
        for a, b, similarity in zip(*(x.tolist() for x in vars(pairs).values()), strict=True):
            known = best.get(a)
            if known is None or (-similarity, first[b]) < (-known[0], known[1]):
                best[a] = (similarity, first[b], False)
        found[earlier, later] = tuple(
            Repeat(row, earlier, of, similarity, exact)
            for row, number in enumerate(rows[later])
            if number in best
            for similarity, of, exact in [best[number]]
        )
    return Repeats(near, found)


def of_data(study: Study, data: Data, out: Path) -> dict[str, Any]:
    """Find the repeats of one data set of a study.

    Writes ``data/NAME/repeats.json`` in the folder of the study's results; where that is there for
    the same texts already, it is read.

    Args:
        study: that it is of.
        data: the data set.
        out: the folder of the study's results; `prepare` has made the splits there.

    Returns:
        What the file holds.
    """
    from lingym.scripts.compare.plain_texts import run_with_test, texts_of

    began = time.monotonic()
    file = out / "data" / slug(data.name) / "repeats.json"
    run = run_with_test(study, data, out)
    made_of = _made_of(run)
    if file.exists():
        before: dict[str, Any] = read_json(file)
        if not isinstance(before, dict):
            raise ValueError(f"{file}: wanted the repeats of a data set")
        if before.get("made_of") == made_of:
            return before
    texts = texts_of(run)
    found = repeats(texts["train"], texts["dev"], texts["test"])
    test = found.test()
    # From the most to the least similar: what a reader wants to judge stands at the end.
    order = sorted(test, key=lambda r: (not r.exact, -r.similarity, r.row))
    places = np.linspace(0, len(order) - 1, min(SHOWN, len(order))).round().astype(int)
    result = {
        "near_from": found.near,
        **{f"{one}_{other}": found.counts(one, other) for one, other in PAIRS},
        "test_rows_repeated": [repeat.row for repeat in test],
        "test_repeats": [asdict(repeat) for repeat in test],
        "examples": [
            {
                **asdict(order[place]),
                "text": _short(texts["test"][order[place].row]),
                "repeats": _short(texts[order[place].split][order[place].of]),
            }
            for place in places
        ],
        "made_of": made_of,
        "seconds": round(time.monotonic() - began, 3),
    }
    file.parent.mkdir(parents=True, exist_ok=True)
    write_json(file, result)
    return result


def _made_of(run: Train) -> str:
    """A hash of all that the repeats depend on: the files, and how they are read."""
    told: list[Any] = [{name: getattr(run, name) for name in OF_SPLITS if hasattr(run, name)}]
    told += [asdict(run.reading), asdict(run.options), SHINGLE, LEAST, NEAR]
    for source in (run.train, run.dev, run.test):
        told.append(sha256_of(Path(source)) if source and Path(source).is_file() else source)
    return sha256(json.dumps(told, sort_keys=True, default=str).encode())


def _short(text: str) -> str:
    return text if len(text) <= CUT else text[: CUT - 1] + "…"
