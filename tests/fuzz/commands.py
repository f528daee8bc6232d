"""Command lines that are wrong: options of every command with values that do not belong there."""

import random
import types
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from lingym.scripts.bench_compare import Compare
from lingym.scripts.continual import Continual
from lingym.scripts.data_check import DataCheck
from lingym.scripts.data_clean import DataClean
from lingym.scripts.evaluate import Evaluate
from lingym.scripts.explain import Explain
from lingym.scripts.fuse import Fuse
from lingym.scripts.label_next import LabelNext
from lingym.scripts.merge import Merge
from lingym.scripts.predict import Predict
from lingym.scripts.stream import Stream
from lingym.scripts.train import Train
from lingym.scripts.tune import Tune

FILES: dict[str, bytes] = {
    "a.conll": b"wake O\nme O\n\nat O\nseven B-time\n",
    "a.txt": b"wake me\nstop\n",
    "a.jsonl": b'{"text": "a", "label": "x"}\n{"text": "b", "label": "y"}\n',
    "seq.toml": b'[one]\ntrain = "a.conll"\ndev = "a.conll"\n'
    b'[two]\ntrain = "a.conll"\ndev = "a.conll"\n',
    "study.yaml": b"name: a\nseeds: [0]\nmeasures: 1\ndefaults: {encoder: tiny}\n"
    b"data: {a: {task: tagging, train: a.conll, dev: a.conll, test: a.conll, metric: accuracy, "
    b"more: 1}}\n"
    b"arms: {s: {start: nothing, agent: supervised}}\n",
    "empty": b"",
    "bytes": b"\xff\xfe\0\x80\n" * 9,
    "open.json": b'{"a": [',
    "folder/empty": b"",
}
"""In the folder where the commands run, beside the folder ``run`` of a trained labeller."""
PATHS = (
    *("none", "folder", "empty", "bytes", "open.json", "a.conll", "a.txt", "a.jsonl", "loop"),
    *("", ".", "/", "..", "none/none", "a.conll/none", "/dev/null", "x" * 300, "\udcff", "run"),
    *("run/model", "synthetic:none", "synthetic:commands?train=-1", "hf:", "a.conll.xz", "~", "-"),
)
NUMBERS = (
    *("-1", "0", "-0.0", "1", "0.5", "nan", "inf", "-inf", "1e400", "1e-400", "9" * 12, "9" * 30),
    *("-" + "9" * 30, "9" * 5000, "", " ", "a", "1_0", "0x1", "\u0663", "None", "True"),
)
WORDS = (*PATHS, *NUMBERS, "accuracy", "(" * 300, "none", "cpu", "cuda:99", "meta", "\u202e")


@dataclass(frozen=True)
class Line:
    """A command that goes right, and the class of its options."""

    words: Sequence[str]
    kind: type[Any]


TRAINED = (
    *("--train", "a.conll", "--dev", "a.conll", "--encoder", "tiny", "--device", "cpu"),
    *("--agent", "reinforce"),
)
LINES: dict[str, Line] = {
    "train": Line(("train", "--out", "o", *TRAINED), Train),
    "tune": Line(("tune", "--out", "o", "--trials", "1", *TRAINED), Tune),
    "continual": Line(("continual", "seq.toml", "--out", "o", *TRAINED[4:]), Continual),
    "evaluate": Line(("evaluate", "run", "--data", "a.conll"), Evaluate),
    "predict": Line(("predict", "run", "a.txt"), Predict),
    "stream": Line(("stream", "run", "--data", "a.conll", "--feedback", "accuracy"), Stream),
    "explain": Line(
        ("explain", "run", "--file", "a.conll", "--method", "gradient-x-input"), Explain
    ),
    "merge": Line(("merge", "run", "--out", "o"), Merge),
    "fuse": Line(("fuse", "run", "run", "--out", "o"), Fuse),
    "label-next": Line(("label-next", "run", "a.txt", "--n", "1"), LabelNext),
    "data check": Line(("data", "check", "--train", "a.conll", "--dev", "a.conll"), DataCheck),
    "data clean": Line(("data", "clean", "--train", "a.conll", "--out", "o"), DataClean),
    "bench compare": Line(("bench", "compare", "study.yaml", "--out", "o"), Compare),
}


def options(kind: type[Any]) -> dict[str, Any]:
    """The type of every option of a command, by its name on the command line."""
    found: dict[str, Any] = {}
    hints = get_type_hints(kind, include_extras=True)
    for field in fields(kind):
        hint = hints[field.name]
        name = field.name
        if get_origin(hint) is Annotated:
            hint, *notes = get_args(hint)
            if any("Positional" in str(note) for note in notes):
                continue
            name = next((n for n in (getattr(note, "name", None) for note in notes) if n), name)
        if is_dataclass(hint):
            found |= options(hint)  # type: ignore[arg-type]
        else:
            found["--" + name.replace("_", "-")] = hint
    return found


def wrong(line: Line, chance: random.Random) -> list[str]:
    """The command with one to three options more, or with another file in the place of one."""
    words = list(line.words)
    known = options(line.kind)
    for _ in range(chance.choice((1, 1, 2, 3))):
        if chance.random() < 0.25:
            places = [k for k, word in enumerate(words) if "." in word or word in ("run", "o")]
            if places:
                words[chance.choice(places)] = chance.choice(PATHS)
                continue
        name = chance.choice(list(known))
        words += _given(name, known[name], chance)
    return words


def _given(name: str, hint: Any, chance: random.Random) -> list[str]:
    if get_origin(hint) is Annotated:
        hint = get_args(hint)[0]
    if get_origin(hint) in (Union, types.UnionType):
        hint = chance.choice([kind for kind in get_args(hint) if kind is not types.NoneType])
    if get_origin(hint) is tuple:
        hint = get_args(hint)[0]
    if hint is bool:
        return [chance.choice((name, "--no-" + name[2:]))]
    if chance.random() < 0.1:
        return [name]  # its value is forgotten
    if get_origin(hint) is Literal and chance.random() < 0.9:
        return [name, str(chance.choice(get_args(hint)))]
    values = {int: NUMBERS, float: NUMBERS, Path: PATHS}.get(hint, WORDS)
    return [f"{name}={chance.choice(values)}"]


def lines(number: int, seed: int = 0) -> Iterator[tuple[str, list[str]]]:
    """Wrong command lines, of every command in turn."""
    chance = random.Random(seed)
    names = list(LINES)
    for k in range(number):
        name = names[k % len(names)]
        yield name, wrong(LINES[name], chance)
