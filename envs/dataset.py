"""From a corpus and a task to episodes: one label space and one tokenizer for all splits."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tokenizers import Tokenizer

from lingym.envs.corpora import Corpus
from lingym.envs.encode import encode
from lingym.envs.episodes import Episodes, Overflow
from lingym.envs.tasks import Example, Task
from lingym.envs.tokenizer import UnitTokenizer, load_tokenizer
from lingym.types import DataError, LabelSpace


@dataclass(frozen=True)
class Dataset:
    """The splits of a corpus as episodes of one task."""

    task: Task
    space: LabelSpace
    tokenizer: Tokenizer
    splits: Mapping[str, Episodes]

    def __getitem__(self, split: str) -> Episodes:
        """The episodes of a split.

        Raises:
            KeyError: the corpus has no such split; the message lists those it has.
        """
        if split not in self.splits:
            raise KeyError(f"no split {split!r}: the corpus has {', '.join(self.splits)}")
        return self.splits[split]


def build(
    task: Task,
    corpus: Corpus,
    tokenizer: str | Tokenizer = "tiny",
    max_tokens: int = 256,
    overflow: Overflow = "windows",
    keep: Callable[[str, list[Example]], list[Example]] | None = None,
    on_disk: str | Path | None = None,
) -> Dataset:
    """Read every split of a corpus as a task's episodes.

    Args:
        task: what the units and labels are.
        corpus: the records of each split; a split without records is left out.
        tokenizer: an encoder's name (see `load_tokenizer`) or a fast tokenizer.
        max_tokens: tokens to a window, special tokens among them: what the encoder takes.
        overflow: what happens to a longer text: cut into overlapping ``windows`` whose labels
            are stitched back, or ``refuse`` it with an error.
        keep: picks the texts to be encoded out of a split, by its name; labels (and a tokenizer
            that is made here) are those of all texts.
        on_disk: a folder for indices: the texts then lie there, and not in memory
            (`lingym.envs.disk`). Not with `keep`, which is given all texts.

    Raises:
        DataError: a record is not what the task needs, a text is longer than a window and
            refused, a label stands outside the task's fixed label set, or there is but one.
    """
    if on_disk is not None:
        if keep is not None:
            raise ValueError("keep is given all texts of a split, which on_disk does not hold")
        from lingym.envs.disk import build_on_disk  # which is made of this room's parts

        return build_on_disk(task, corpus, on_disk, tokenizer, max_tokens, overflow)
    records = {"train": corpus.train, "dev": corpus.dev, "test": corpus.test}
    splits = task.read({name: rows for name, rows in records.items() if rows})
    space = task.label_space(example for examples in splits.values() for example in examples)
    if space.form != "candidates" and len(space) < 2:
        few = f"a task needs at least two labels, the corpus has {space.names}"
        if task.labels is not None or not space.names:  # of the arguments; else of the corpus
            raise ValueError(few)
        raise DataError(f"{next(iter(splits.values()))[0].record.path}: {few}")
    if isinstance(tokenizer, str):
        fit = splits.get("train") or next(iter(splits.values()))
        texts = (text for example in fit for text in texts_of(example, space.of_text))
        tokenizer = load_tokenizer(tokenizer, texts)
    if keep is not None:
        splits = {name: keep(name, examples) for name, examples in splits.items()}
    units = UnitTokenizer(tokenizer)
    return Dataset(
        task,
        space,
        tokenizer,
        {
            name: encode(task, examples, space, units, max_tokens, overflow)
            for name, examples in splits.items()
        },
    )


def check_space(space: LabelSpace) -> None:
    """Refuse labels between which nothing is to be chosen, with a `ValueError`."""
    if space.form != "candidates" and len(space) < 2:
        raise ValueError(f"a task needs at least two labels, the corpus has {space.names}")


def texts_of(example: Example, of_text: bool) -> Iterator[str]:
    """What an encoder reads of an example."""
    for passage in example.read(of_text):
        if passage.before:
            yield passage.before
        yield " ".join(passage.words)
