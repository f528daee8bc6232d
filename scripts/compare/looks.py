"""The guard over looks at test texts: a choice that has seen them is no choice on dev.

Every scoring of a test split is written into looks.jsonl before the file is read. A second look at
the same texts for the same data, arm, seed and share is refused, unless a reason is given, which
the report then shows. The lines are chained, each with the SHA-256 of the one before, and a row of
the table names its line: a line that was removed or changed shows.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lingym.reading import parse_json
from lingym.scripts.compare.locks import held
from lingym.scripts.compare.table import append_line, whole_lines
from lingym.types import DataError

DATA = ("data",)
SAME = ("data", "arm", "seed", "share")
"""What makes a look one at the same."""
RESULT = ("chosen", "test", "model")
"""What a score follows from."""
WRITTEN = (*SAME, *RESULT, "time", "look", "resumed", "reason", "before")
"""What each line has."""


@dataclass(frozen=True)
class Look:
    """Who is scored, and with what."""

    data: str
    arm: str
    seed: int
    share: float
    chosen: Mapping[str, Any]
    """The settings that were chosen on dev."""
    test: str
    """SHA-256 of the test texts' file, or the name of the corpus."""
    model: str
    """SHA-256 of the model."""
    command: str


def look(out: Path, now: Look, reason: str | None = None, broken_off: bool = False) -> Any:
    """Write a look down; to be called before the test texts are read.

    Args:
        out: the folder of the study's results.
        now: the look.
        reason: why a second look is taken, if it is one.
        broken_off: the scoring was killed before its result was known. It is then repeated under
            the same number, if it is of the same model and texts with the same settings.

    Returns:
        The number of this look, 1 for the first, and the SHA-256 of its line.

    Raises:
        ValueError: it is not the first, or the last look at this data set was at other texts, and
            there is no reason.
    """
    file = out / "looks.jsonl"
    with held(out / "locks" / "looks.lock"):
        lines = whole_lines(file) if file.exists() else []
        entry = json.loads(json.dumps(vars(now), default=str))
        there = _entries(file, lines)
        before = [one for one in there if _same(one, entry, SAME)]
        of_data = [one for one in there if _same(one, entry, DATA)]
        moved = bool(of_data) and of_data[-1]["test"] != entry["test"]
        number = max((one["look"] for one in before), default=0) + 1
        resumed = bool(before) and broken_off and _same(before[-1], entry, RESULT)
        if resumed:
            number = before[-1]["look"]
        elif before and not reason:
            raise ValueError(_refusal(now, before, entry))
        elif moved and not reason:  # all arms are to be scored on one test set
            raise ValueError(_of_other_texts(of_data[-1]))
        entry = {
            "time": datetime.now(UTC).isoformat(timespec="seconds"),
            **entry,
            "look": number,
            "resumed": resumed,
            "reason": before[-1]["reason"] if resumed else reason if before or moved else None,
            "before": sha256(lines[-1].encode()) if lines else "",
        }
        append_line(file, entry)
        return number, sha256(whole_lines(file)[-1].encode())


def _of_other_texts(last: Mapping[str, Any]) -> str:
    return (
        f"the test texts of {last['data']} are others than {last['arm']!r}, seed {last['seed']}, "
        f"was scored on at {last['time']}: put the file back, or score all again with "
        '--look-again "REASON", and the report will say so'
    )


def _same(one: Mapping[str, Any], other: Mapping[str, Any], names: Iterable[str]) -> bool:
    return all(one[name] == other[name] for name in names)


def _refusal(now: Look, before: list[Any], entry: Mapping[str, Any]) -> str:
    last = before[-1]
    other = [name for name in RESULT if last[name] != entry[name]]
    changed = ", ".join(
        f"chosen {last[name]}, now {entry[name]}" if name == "chosen" else f"another {name}"
        for name in other
    )
    return (
        f"the test texts of {now.data} were scored for {now.arm!r}, seed {now.seed}, share "
        f"{now.share:g} on {last['time']} already ({changed or 'with the same model'}): a second "
        'look needs --look-again "REASON", and the report will say so'
    )


def read(out: Path) -> list[dict[str, Any]]:
    """All looks, in their order."""
    file = out / "looks.jsonl"
    return _entries(file, whole_lines(file)) if file.exists() else []


def _entries(file: Path, lines: Iterable[str]) -> list[dict[str, Any]]:
    """What stands in the lines, each with all that a look has."""
    found = []
    for number, line in enumerate(lines, 1):
        entry = parse_json(line, f"{file}:{number}", nan=True)
        whole = isinstance(entry, dict) and set(WRITTEN) <= entry.keys()
        if (
            not whole
            or any(isinstance(entry[name], list | dict) for name in SAME)
            or (type(entry["look"]) is not int)
        ):
            raise DataError(f"{file}:{number}: not a look at test texts: {line[:60]!r}")
        found.append(entry)
    return found


def intact(out: Path, rows: Iterable[Mapping[str, Any]]) -> bool:
    """Whether no line was removed or changed, as far as the chain and the table's rows can tell.

    Args:
        out: the folder of the study's results.
        rows: of the table.
    """
    file = out / "looks.jsonl"
    lines = whole_lines(file) if file.exists() else []
    sums = [sha256(line.encode()) for line in lines]
    chained = all(
        entry["before"] == before
        for entry, before in zip(_entries(file, lines), ["", *sums], strict=False)
    )
    named = {row["look_sha256"] for row in rows if row["kind"] == "score"}
    return chained and named <= set(sums)


def summary(
    out: Path,
    rows: Iterable[Mapping[str, Any]],
    shown: Iterable[Mapping[str, Any]] | None = None,
) -> dict[str, Any]:
    """What the report says of looks: how many first ones, all with a reason, and `intact`.

    ``unshown`` are looks whose figures are not in the report: of an arm, a data set or a seed that
    the study had once, or of a score that was lost. Who leaves out what test did not favour is seen
    there.

    Args:
        out: the folder of the study's results.
        rows: of the table.
        shown: those of scores that figures are made of; None: `rows`.
    """
    looks, rows = read(out), list(rows)
    among = {tuple(row.get(name) for name in SAME) for row in (rows if shown is None else shown)}
    return {
        "first": sum(one["look"] == 1 and not one["resumed"] for one in looks),
        "again": [one for one in looks if one["reason"] and not one["resumed"]],
        "unshown": [
            one
            for one in looks
            if not one["resumed"] and tuple(one[name] for name in SAME) not in among
        ],
        "intact": intact(out, rows),
    }


def sha256(content: bytes) -> str:
    """In hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def sha256_of(path: Path) -> str:
    """Of a file, or of the names and contents of all files of a folder."""
    if path.is_dir():
        files = sorted(file for file in path.rglob("*") if file.is_file())
        parts = [f"{file.relative_to(path).as_posix()} {sha256_of(file)}" for file in files]
        return sha256("\n".join(parts).encode())
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
