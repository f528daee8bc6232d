"""`lingym bench disk`: a large corpus is indexed, opened again, and read at random."""

import json
import logging
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lingym.envs import Episodes, LabelVectorEnv, Tagging, build, load_corpus, stream_corpus
from lingym.envs.corpora import read_records
from lingym.envs.disk import build_on_disk
from lingym.envs.disk.columns import BOUNDS, KINDS
from lingym.envs.disk.identity import identity, key
from lingym.envs.disk.index import CONTENTS
from lingym.scripts.memory import MIB, held

WRITTEN = 20_000
"""Sentences that the grammar writes; the others of a file are drawn from these."""
SETTINGS = {"tokenizer": "tiny", "max_tokens": 256, "overflow": "windows", "limits": {}}
CHILD = "import sys; from lingym.scripts.bench_disk import child; child(*sys.argv[1:])"


@dataclass(frozen=True)
class DiskBench:
    """Index a generated corpus on disk, open it in a fresh process, and read batches at random.

    Memory is that of the process that did the step: its own, and the resident pages of mapped
    files, which the system takes back when others need memory.
    """

    sentences: int = 100_000
    """Training sentences of slot tagging. The grammar writes 20,000; others are drawn from these,
    which neither reading nor encoding nor memory knows of."""
    copies: int = 1
    """Index the sentences, and then lay corpus and index out so many times over, without reading
    them again: what it takes to open and read millions is so measured in minutes."""
    batches: int = 2000
    """Random batches to time."""
    batch_size: int = 16
    """Texts of a batch."""
    in_memory: bool = True
    """Time the same batches from memory, too, which holds all texts."""
    folder: Path | None = None
    """Where corpus and index are written, and removed in the end; by default a temporary one."""
    out: Path | None = None
    """Write the figures as JSON."""

    def run(self) -> None:
        """Measure, and print."""
        figures = measured(self)
        for name, value in figures.items():
            told = f"{value:,.1f}" if isinstance(value, float) else f"{value:,}"
            print(f"{name:<42}{told:>16}")
        if self.out is not None:
            self.out.write_text(json.dumps(figures, indent=1), encoding="utf-8")


def measured(arguments: DiskBench) -> dict[str, float]:
    """The figures by name.

    Raises:
        ValueError: there is nothing to measure.
    """
    sizes = (arguments.sentences, arguments.copies, arguments.batches, arguments.batch_size)
    if min(sizes) < 1:
        raise ValueError("--sentences, --copies, --batches and --batch-size must be 1 or more")
    folder = Path(tempfile.mkdtemp(prefix="lingym-disk-", dir=arguments.folder))
    try:
        corpus = folder / "train.jsonl"
        write(corpus, arguments.sentences)
        figures: dict[str, float] = {
            "sentences": arguments.sentences,
            "corpus_mib": corpus.stat().st_size / MIB,
        }
        size = (str(arguments.batches), str(arguments.batch_size))
        figures |= _child("index", str(folder), *size)
        if arguments.copies > 1:
            figures["opened_sentences"] = arguments.sentences * arguments.copies
            lay_out(folder, arguments.copies)
        for step in ("open", *(("memory",) if arguments.in_memory else ())):
            figures |= _child(step, str(folder), *size)
        files = [file for file in (folder / "indices").rglob("*") if file.is_file()]
        figures["index_mib"] = sum(file.stat().st_size for file in files) / MIB
        return figures
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def write(file: Path, sentences: int, seed: int = 0) -> None:
    """Write JSON lines of sentences with slots."""
    few = min(sentences, WRITTEN)
    records = read_records(f"synthetic:commands?train={few}&dev=0&test=0")
    lines = [
        json.dumps({name: record.fields[name] for name in ("tokens", "labels")}) + "\n"
        for record in records
    ]
    random = np.random.default_rng(seed)
    with file.open("w", encoding="utf-8") as opened:
        opened.writelines(lines)
        for first in range(few, sentences, 65536):
            drawn = random.integers(few, size=min(65536, sentences - first))
            opened.writelines(lines[place] for place in drawn)


def lay_out(folder: Path, copies: int) -> None:
    """Make the corpus, and its index, so many times as long; records keep their line's number."""
    corpus = folder / "train.jsonl"
    (old,) = (place for place in (folder / "indices").iterdir() if place.is_dir())
    contents = json.loads((old / CONTENTS).read_text(encoding="utf-8"))
    _repeat(corpus, copies)
    for split, sizes in contents["splits"].items():
        for file in (old / f"{split}.{name}" for name in ("lines", *KINDS)):
            name = file.suffix[1:]
            if name in BOUNDS:
                bounds = np.fromfile(file, KINDS[name])
                steps = np.tile(np.diff(bounds), copies)
                np.concatenate([[0], np.cumsum(steps)]).astype(KINDS[name]).tofile(file)
                sizes[name] = len(steps) + 1
            elif file.exists():
                _repeat(file, copies)
                sizes[name] = sizes.get(name, 0) * copies
    told = identity(Tagging(), {"train": stream_corpus(train=corpus).train}, **SETTINGS)
    contents |= {"identity": told}
    contents["sizes"] = {name: (old / name).stat().st_size for name in contents["sizes"]}
    (old / CONTENTS).write_text(json.dumps(contents), encoding="utf-8")
    old.rename(old.with_name(key(told)))


def _repeat(file: Path, copies: int) -> None:
    content = file.read_bytes()
    with file.open("ab") as opened:
        for _ in range(copies - 1):
            opened.write(content)


def _child(*words: str) -> dict[str, float]:
    """What a fresh process measures."""
    done = subprocess.run(
        [sys.executable, "-c", CHILD, *words], stdout=subprocess.PIPE, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"the step {words[0]} ended with {done.returncode}: see above")
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures


def child(step: str, folder: str, batches: str, size: str) -> None:
    """One step in a process of its own; its figures are the last line that it prints."""
    logging.basicConfig(format="%(message)s", stream=sys.stderr)
    logging.getLogger("lingym").setLevel(logging.INFO)
    file, indices = Path(folder, "train.jsonl"), Path(folder, "indices")
    imported = held(tidy=True)
    began, worked = time.perf_counter(), time.process_time()
    if step == "memory":
        dataset = build(Tagging(), load_corpus(train=file))
    else:
        dataset = build_on_disk(Tagging(), stream_corpus(train=file), indices)
    figures: dict[str, float] = {
        "seconds": time.perf_counter() - began,
        "processor_seconds": time.process_time() - worked,  # on a busy machine, what it took
    }
    if step == "open":
        env = LabelVectorEnv(dataset=dataset, num_envs=int(size))
        env.reset(seed=0)
        figures["seconds_to_first_episode"] = time.perf_counter() - began
    texts = dataset["train"]
    if step == "index":
        figures["sentences_per_second"] = len(texts) / figures["seconds"]
    else:
        figures |= _rates(texts, int(batches), int(size))
    now = held(tidy=True)
    figures["own_mib_beyond_imports"] = now.own - imported.own
    figures["mapped_mib_beyond_imports"] = now.mapped - imported.mapped
    figures["peak_mib"] = now.peak
    figures["imports_mib"] = imported.own + imported.mapped
    print(json.dumps({f"{step}_{name}": value for name, value in figures.items()}))


def _rates(texts: Episodes, batches: int, size: int) -> dict[str, float]:
    """Batches and examples a second, at random places."""
    random = np.random.default_rng(1)
    rows = random.integers(len(texts), size=(batches, size))

    def rate(read: Callable[[Any], Any]) -> float:
        began = time.perf_counter()
        for some in rows:
            read(some)
        return batches / (time.perf_counter() - began)

    first = rate(texts.batch)
    return {
        "batches_per_second": first,
        "batches_per_second_again": rate(texts.batch),
        "examples_per_second": size * rate(lambda some: [texts.examples[int(i)] for i in some]),
    }
