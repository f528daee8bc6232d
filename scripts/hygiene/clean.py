"""Takes out of files what a person asked to have taken out, and says what and why."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from lingym.scripts.arguments import Reading
from lingym.scripts.hygiene.contradictions import contradictions
from lingym.scripts.hygiene.reading import Fault, Files, Part
from lingym.scripts.hygiene.rewrite import Change, normalised, repaired
from lingym.scripts.hygiene.rows import Rows
from lingym.scripts.hygiene.same import same
from lingym.scripts.hygiene.texts import gold_of
from lingym.types import DataError


@dataclass(frozen=True)
class Asked:
    """What is to be cleaned; by default nothing. See `lingym.scripts.data_clean.DataClean`."""

    faults: Literal["keep", "repair", "drop"] = "keep"
    contradictions: Literal["keep", "majority", "drop"] = "keep"
    leaks: Literal["keep", "drop-from-train", "drop-near-from-train"] = "keep"
    repeats: Literal["keep", "drop-later"] = "keep"
    suspects: Mapping[int, Mapping[str, Any]] | None = None
    nfc: bool = False
    near: float = 0.8
    near_of: Literal["characters", "words"] = "characters"


@dataclass
class Cleaner:
    """The rows of one part, and what was done to them.

    Attributes:
        files: all that was read.
        part: the part that is cleaned.
        rows: its lines.
        reading: how it was read.
        changes: what was done, in order.
        left: what was asked for and could not be done.
    """

    files: Files
    part: Part
    rows: Rows
    reading: Reading
    changes: list[Change] = field(default_factory=list)
    left: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, files: Files, part: Part, reading: Reading) -> "Cleaner":
        """A part with its file's lines."""
        starts = [record.lines[0] for record in part.records]
        starts += [fault.line for fault in files.faults if fault.part == part.name]
        rows = Rows.read(part.source, reading.options(), starts)
        return cls(files, part, rows, reading)

    def clean(self, asked: Asked) -> None:
        """Do what is asked, in this order: faults, suspects, contradictions, leaks, repeats, NFC.

        What an earlier step has taken out, a later one does not count. Labels of one part decide
        nothing about another.
        """
        if asked.faults != "keep":
            self._faults(asked.faults)
        if asked.suspects is not None:
            self._suspects(asked.suspects)
        if asked.contradictions != "keep":
            self._contradictions(asked.contradictions)
        if asked.leaks != "keep" and self.part.name == "train":
            self._leaks(asked)
        if asked.repeats == "drop-later":
            self._repeats()
        if asked.nfc:
            here = [row for row in range(len(self.part.examples)) if self.here(row)]
            self.changes += normalised(self.files, self.part, self.rows, self.reading, here)

    def drop(self, row: int, why: str) -> None:
        """Take out a text."""
        example = self.part.examples[row]
        line = example.record.lines[0]
        text = self.files.texts[self.part.name][row]
        was = f"{text} => {gold_of(example, self.files.space.roles)}"
        first, last = self.rows.drop(line)
        self.changes.append(Change(self.part.source, first, last, "drop", why, was))

    def here(self, row: int) -> bool:
        """Whether a text has not been taken out."""
        return self.part.examples[row].record.lines[0] not in self.rows.gone

    def _faults(self, how: str) -> None:
        own = [fault for fault in self.files.faults if fault.part == self.part.name]
        if how == "repair":
            self.changes += repaired(self.files, self.part, self.rows, self.reading)
            hopeless = [fault for fault in own if not fault.repairable]
            self.left += [f"{f.file}:{f.line}: cannot be repaired: {f.message}" for f in hopeless]
            return
        for fault in own:
            self._drop_fault(fault)

    def _drop_fault(self, fault: Fault) -> None:
        if fault.line in self.rows.gone:
            return  # a sentence may have several
        if fault.message.endswith("the rest of the file is not read"):
            raise DataError(f"{fault.file}:{fault.line}: cannot be cleaned: {fault.message}")
        first, last = self.rows.drop(fault.line)
        was = "\n".join(self.rows.text(number) for number in range(first, last + 1))
        why = f"{fault.kind}: line {fault.line}: {fault.message}"
        self.changes.append(Change(self.part.source, first, last, "drop", why, was))

    def _suspects(self, suspects: Mapping[int, Mapping[str, Any]]) -> None:
        known = {e.record.lines[0]: row for row, e in enumerate(self.part.examples)}
        texts = self.files.texts[self.part.name]
        for line, suspect in suspects.items():
            row = known.get(line)
            if row is None or texts[row] != suspect["text"]:
                raise ValueError(
                    f"{self.part.source}:{line} holds another text than the list of suspects says"
                )
            if self.here(row):
                self.drop(row, f"suspicious label: {suspect['what']}")

    def _contradictions(self, how: str) -> None:
        for each in contradictions(self.files):
            own = [
                [r for p, r in rows if p == self.part.name and self.here(r)] for rows in each.rows
            ]
            own = sorted((rows for rows in own if rows), key=len, reverse=True)
            if len(own) < 2:
                continue
            most = how == "majority" and len(own[0]) > len(own[1])
            if how == "majority" and not most:
                place = self.part.examples[own[0][0]].record.where()
                self.left.append(f"{place}: kept: no labelling of this text has a majority")
                continue
            why = (
                "another labelling of the same text is more frequent"
                if most
                else ("the same text has other gold labels elsewhere in the file")
            )
            for row in (row for rows in own[most:] for row in rows):
                self.drop(row, why)

    def _leaks(self, asked: Asked) -> None:
        near = asked.near if asked.leaks == "drop-near-from-train" else None
        found = same(self.files.texts, near, asked.near_of)
        held = [next((r for r in group if r[0] in ("dev", "test")), None) for group in found.groups]
        because = dict(enumerate(held))
        how = dict.fromkeys(because, "stands in")
        pairs = zip(*(side.tolist() for side in vars(found.pairs).values()), strict=True)
        for left, right, likeness in pairs:
            for a, b in ((left, right), (right, left)):
                if because[a] is None and held[b] is not None:
                    because[a], how[a] = held[b], f"is like ({likeness:.2f}) a text in"
        for place, group in enumerate(found.groups):
            held_out = because[place]
            for name, row in group:
                if held_out is None or name != "train" or not self.here(row):
                    continue
                there = self.files.parts[held_out[0]].examples[held_out[1]].record.where()
                self.drop(row, f"the text {how[place]} {held_out[0]}: {there}")

    def _repeats(self) -> None:
        for group in same(self.files.texts, None).groups:
            kept: dict[Any, int] = {}
            for row in (r for p, r in group if p == self.part.name and self.here(r)):
                first = kept.setdefault(self.part.examples[row].gold, row)
                if first != row:
                    there = self.part.examples[first].record.where()
                    self.drop(row, f"repeats {there}, with the same labels")
