"""Labelled files as they are: every row that can be read, and every fault of the others."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from lingym.envs.corpora import Options, Record, detect_scheme, find_faults
from lingym.envs.corpora.iob import TagFault
from lingym.envs.corpora.sources import iter_records
from lingym.envs.tasks import TASKS, Example, Tagging, Task
from lingym.envs.tasks.slots_intent import SlotsAndIntent
from lingym.scripts.arguments import Reading
from lingym.scripts.hygiene.texts import text_of
from lingym.types import DataError, LabelSpace

UNREADABLE, WRONG, UNKNOWN = "unreadable row", "not what the task needs", "no tag of its scheme"
ROLES = ("train", "dev", "test")


@dataclass(frozen=True)
class Fault:
    """Something for which `lingym train` would refuse a file.

    Attributes:
        part: the split.
        file: as it was named.
        line: from 1.
        kind: what sort of fault it is.
        message: what was found, and what was wanted.
        repairable: whether ``--on-fault repair`` reads it.
    """

    part: str
    file: str
    line: int
    kind: str
    message: str
    repairable: bool = False


@dataclass(frozen=True)
class Part:
    """One file: a split, or one that was given without a role.

    Attributes:
        name: train, dev, test, or the file's name.
        source: the file.
        records: the rows that could be read.
        examples: those that the task could read, with its tags as IOB2.
        scheme: of its tags, where they mark spans.
    """

    name: str
    source: str
    records: Sequence[Record]
    examples: Sequence[Example]
    scheme: str | None = None


@dataclass(frozen=True)
class Files:
    """What was read of all files.

    Attributes:
        task: what read them.
        space: the labels of all.
        parts: the files that hold a text.
        faults: of all files, in order.
    """

    task: Task
    space: LabelSpace
    parts: Mapping[str, Part]
    faults: Sequence[Fault] = field(default_factory=list)

    @cached_property
    def texts(self) -> dict[str, list[str]]:
        """What an encoder reads of each text of each part."""
        return {
            name: [text_of(example, self.space.of_text) for example in part.examples]
            for name, part in self.parts.items()
        }


def read_files(named: Mapping[str, str], kind: str, reading: Reading) -> Files:
    """Read files of a task, going on after what cannot be read.

    Args:
        named: the file of each part, by its name: see `parts_of`.
        kind: the task.
        reading: how the files are read.

    Raises:
        ValueError: the task is a mix, or no file holds a text that the task can read.
    """
    if kind == "multitask":
        raise ValueError("a mix has no files of its own: check those of each of its tasks")
    arguments = reading.arguments(kind)
    if "on_fault" in _options(kind):
        arguments["on_fault"] = "repair"
    task = TASKS[kind](**arguments)
    faults: list[Fault] = []
    records, sound, schemes = {}, {}, {}
    for name, source in named.items():
        records[name] = _rows(name, source, reading.options(), faults)
        examples = _examples(name, task, records[name], faults)
        schemes[name] = _check_tags(name, task, examples, faults)
        lost = {(f.file, f.line) for f in faults if f.part == name and f.kind == UNKNOWN}
        sound[name] = [
            e.record
            for e in examples
            if lost.isdisjoint((e.record.path, line) for line in e.record.lines)
        ]
    if not any(sound.values()):
        first = f"; the first fault: {faults[0].message}" if faults else ""
        raise ValueError(f"no file holds a text that the task {kind} can read{first}")
    read = task.read({name: rows for name, rows in sound.items() if rows})
    parts = {
        name: Part(name, named[name], records[name], examples, schemes[name])
        for name, examples in read.items()
    }
    space = task.label_space(example for part in parts.values() for example in part.examples)
    order = {name: place for place, name in enumerate(named)}
    faults.sort(key=lambda fault: (order[fault.part], fault.line))
    return Files(task, space, parts, faults)


def parts_of(files: Sequence[str], **roles: str | None) -> dict[str, str]:
    """A name for every file: its role, or its own name.

    Args:
        files: those without a role.
        roles: the file of train, dev and test.

    Raises:
        ValueError: there is none, or one is named twice.
    """
    named = {role: roles[role] for role in ROLES if roles.get(role)}
    for file in files:
        name = Path(file).name
        if name in named:
            name = "/".join(Path(file).parts[-2:])
        if name in named:
            raise ValueError(f"{file} is named twice, or two files end in {name}")
        named[name] = file
    if not named:
        raise ValueError("wanted files: --train FILE, --dev FILE, --test FILE, or FILE ...")
    return {name: str(file) for name, file in named.items()}


def _options(kind: str) -> dict[str, str]:
    from lingym.scripts.arguments import COLUMNS

    return COLUMNS[kind]


def _rows(name: str, source: str, options: Options, faults: list[Fault]) -> list[Record]:
    def note(error: DataError) -> None:
        faults.append(_fault(name, source, error, UNREADABLE))

    rows: list[Record] = []
    split = name if name in ROLES else "train"
    try:
        for record in iter_records(source, split, replace(options, on_error=note)):
            rows.append(record)
    except DataError as error:
        if not rows and not Path(source).is_file():
            raise
        fault = _fault(name, source, error, UNREADABLE)
        faults.append(replace(fault, message=f"{fault.message}; the rest of the file is not read"))
    return rows


def _examples(name: str, task: Task, rows: list[Record], faults: list[Fault]) -> list[Example]:
    examples = []
    for record in rows:
        try:
            examples.append(task.example(record))
        except DataError as error:
            faults.append(_fault(name, record.path, error, WRONG))
    return examples


def tags_of(task: Task, example: Example) -> list[str] | None:
    """The tags of a text as they stand in the file; None where the task has none."""
    if isinstance(task, Tagging):
        return [str(tag) for tag in example.gold or ()]
    if isinstance(task, SlotsAndIntent):
        return [str(tag) for tag in (example.gold or ())[:-1]]
    return None


def _check_tags(name: str, task: Task, examples: list[Example], faults: list[Fault]) -> str | None:
    """Notes tags that stand where their scheme does not allow them; returns the scheme."""
    tagging: Any = task.tagging if isinstance(task, SlotsAndIntent) else task
    if not isinstance(tagging, Tagging):
        return None
    every = [tags_of(task, example) or [] for example in examples]
    scheme = tagging.scheme or detect_scheme(every)
    for found in find_faults(every, scheme):
        record = examples[found.sequence].record
        line = int(record.where(found.position).rpartition(":")[2])
        kind = tag_kind(found, every[found.sequence])
        faults.append(Fault(name, record.path, line, kind, str(found), kind != UNKNOWN))
    return scheme


def tag_kind(fault: TagFault, tags: Sequence[str]) -> str:
    """What sort of fault a tag is."""
    message, tag = str(fault), tags[fault.position]
    if "has not begun" not in message:
        return "span without an end" if "without an end" in message else UNKNOWN
    if not fault.position:
        return f"{tag[0]}- at the start of a sentence"
    before = tags[fault.position - 1]
    return f"{tag[0]}- after {'O' if before == 'O' else 'another span'}"


def _fault(name: str, file: str, error: DataError, kind: str) -> Fault:
    """An error of a reader or a task, whose message begins with ``file:line: ``."""
    text = str(error)
    place, _, rest = text.removeprefix(f"{file}:").partition(": ")
    line = int(place) if text.startswith(f"{file}:") and place.isdecimal() else 1
    return Fault(name, file, line, kind, rest or text)
