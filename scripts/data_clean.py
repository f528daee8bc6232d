"""`lingym data clean`: files without what a person asked to have taken out."""

import json
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from lingym.scripts.arguments import Reading, TaskName

if TYPE_CHECKING:
    from lingym.scripts.hygiene.clean import Change


@dataclass(frozen=True)
class DataClean:
    """Write files again without what is named; everything else stays, byte for byte.

    Nothing is changed that is not asked for, and dev and test only with --alter. Every change
    stands in changes.jsonl and changes.tsv: file, line, what was, what is, why.
    """

    out: Path
    """Folder of the cleaned files, which keep their names, formats and compression."""
    train: str | None = None
    """File of the training split; here and below as for lingym train."""
    dev: str | None = None
    """File of the dev split."""
    test: str | None = None
    """File of the test split."""
    task: TaskName = "tagging"
    """What the units and the labels are."""
    reading: Reading = field(default_factory=Reading)
    alter: tuple[Literal["train", "dev", "test"], ...] = ("train",)
    """The splits that are cleaned. The others are only compared with."""
    faults: Literal["keep", "repair", "drop"] = "keep"
    """Rows that lingym train refuses: write tags as conlleval reads them, or take the whole text
    out."""
    contradictions: Literal["keep", "majority", "drop"] = "keep"
    """Texts that stand several times in a file with different labels: keep those with the most
    frequent labelling, if one is, or none of them."""
    leaks: Literal["keep", "drop-from-train", "drop-near-from-train"] = "keep"
    """Training texts that also stand in dev or test, exactly or also nearly."""
    repeats: Literal["keep", "drop-later"] = "keep"
    """Texts that stood before in the file, with the same labels."""
    suspects: Path | None = None
    """Take out the training texts of this list, which lingym data check --suspects wrote; take its
    lines out first where the label is right."""
    nfc: bool = False
    """Put texts into Unicode's form NFC; labels stay."""
    near: float = 0.8
    """For drop-near-from-train: Jaccard similarity from which on."""
    near_of: Literal["characters", "words"] = "characters"
    """For drop-near-from-train: of runs of 5 characters, or of 3 words."""

    def run(self) -> None:
        """Write the files, and say what was done."""
        from lingym.scripts.hygiene.clean import Asked, Cleaner
        from lingym.scripts.hygiene.reading import parts_of, read_files

        named = parts_of((), train=self.train, dev=self.dev, test=self.test)
        targets = self.targets(named)
        files = read_files(named, self.task, self.reading)
        changes: list[Change] = []
        left: list[str] = []
        for part in files.parts.values():
            if part.name not in targets:
                continue
            cleaner = Cleaner.of(files, part, self.reading)
            cleaner.clean(
                Asked(
                    *(self.faults, self.contradictions, self.leaks, self.repeats),
                    suspects=self.listed(named) if part.name == "train" else None,
                    nfc=self.nfc,
                    near=self.near,
                    near_of=self.near_of,
                )
            )
            self.out.mkdir(parents=True, exist_ok=True)
            cleaner.rows.write(targets[part.name])
            changes += cleaner.changes
            left += cleaner.left
        write_changes(changes, self.out)
        self.tell(changes, left, targets)

    def targets(self, named: Mapping[str, str]) -> dict[str, Path]:
        """Where each split that is cleaned is written.

        Raises:
            ValueError: a split is not named, or a file would be overwritten.
        """
        missing = [name for name in self.alter if name not in named]
        if missing:
            raise ValueError(f"--alter {missing[0]}: no file is named for it (--{missing[0]} FILE)")
        targets: dict[str, Path] = {name: self.out / Path(named[name]).name for name in self.alter}
        if len(set(targets.values())) < len(targets):
            raise ValueError(f"files of the same name would overwrite each other in {self.out}")
        for file in (*targets.values(), self.out / "changes.jsonl", self.out / "changes.tsv"):
            if file.exists():
                raise ValueError(f"{file} is there already: name another folder as --out")
        if self.suspects is not None and "train" not in self.alter:
            raise ValueError("--suspects names training texts, and --alter leaves train out")
        return targets

    def listed(self, named: Mapping[str, str]) -> dict[int, dict[str, Any]] | None:
        """The suspects by line.

        Raises:
            ValueError: the list is of another file.
        """
        if self.suspects is None:
            return None
        from lingym.envs.corpora import read_jsonl

        listed = {}
        for record in read_jsonl(self.suspects):
            if record["file"] != named["train"]:
                raise record.error(f"is of {record['file']}, and --train is {named['train']}")
            listed[int(record["line"])] = dict(record.fields)
        return listed

    def tell(self, changes: "list[Change]", left: list[str], targets: Mapping[str, Path]) -> None:
        """What was done, in numbers."""
        asked = {
            name: value
            for name in ("faults", "contradictions", "leaks", "repeats", "suspects", "nfc")
            if (value := getattr(self, name)) not in ("keep", None, False)
        }
        if not asked:
            print("Nothing was asked for: see --faults, --contradictions, --leaks, --repeats, ...")
        counts = Counter((change.action, _general(change.why)) for change in changes)
        for (action, why), count in counts.most_common():
            print(f"{count:>7}  {action}: {why}")
        for line in left:
            print(f"  left as it is: {line}")
        written = ", ".join(str(path) for path in targets.values())
        print(f"{len(changes)} changes, told in {self.out}/changes.jsonl; written: {written}")


def write_changes(changes: "list[Change]", folder: Path) -> None:
    """The changes as JSON Lines and as a table."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = [vars(change) for change in changes]
    lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in rows]
    (folder / "changes.jsonl").write_text("".join(lines), encoding="utf-8")
    names = ("file", "line", "last", "action", "why", "was", "now")
    table = ["\t".join(names)]
    table += ["\t".join(" ".join(str(row[name]).split()) for name in names) for row in rows]
    (folder / "changes.tsv").write_text("\n".join(table) + "\n", encoding="utf-8")


def _general(why: str) -> str:
    """A reason without the place that it names."""
    if why.startswith("repeats "):
        return "repeats an earlier text, with the same labels"
    if why.startswith("the text is like"):
        return re.sub(r" \([0-9.]+\)", "", why.split(":")[0])
    return why.split(":")[0]
