"""Changed copies of training texts, beside the texts themselves."""

import hashlib
import json
import logging
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import overload

import numpy as np

from lingym.envs.augment.base import Augmentation
from lingym.envs.augment.spec import from_spec
from lingym.envs.dataset import Dataset
from lingym.envs.growth import encoded
from lingym.envs.tasks import Example, Task

logger = logging.getLogger("lingym")

TRIES = 20
"""Draws of a copy until it differs from its original."""


@dataclass(frozen=True)
class Copies:
    """Changed copies of texts.

    Attributes:
        examples: the copies, in the order of their originals.
        unchanged: texts of which a copy was wanted that no draw changed; they have none.
        texts: how many originals there were.
    """

    examples: list[Example]
    unchanged: int
    texts: int

    def told(self) -> str:
        """For the log."""
        lost = f"; {self.unchanged} texts could not be changed" if self.unchanged else ""
        return f"{len(self.examples)} changed copies beside {self.texts} training texts{lost}"


def copies(
    examples: Sequence[Example],
    spec: str | Augmentation,
    seed: int = 0,
    share: float = 1.0,
    task: Task | None = None,
) -> Copies:
    """Changed copies of training texts.

    Each text has a generator of its own, made of the seed and of what the text says: neither the
    order of the texts nor what other texts there are changes its copies, but for the mentions that
    there are to draw from. A copy that came out like its original is drawn again, up to 20 times.

    Args:
        examples: the texts; they stay as they are.
        spec: what is done (`from_spec`).
        seed: of all draws.
        share: copies of a text; of 0.5 half the texts have one, of 2 each has two.
        task: what they are examples of; None tells it by their shape, as a `Perturbation` does.

    Raises:
        ValueError: the augmentation is not for this task, or the share or seed is below 0.
    """
    if isinstance(share, bool) or not 0 <= share < math.inf:
        raise ValueError(f"share must be 0 or more copies of a text, got {share!r}")
    if seed < 0:
        raise ValueError(f"seed must be 0 or more, got {seed}")
    augmentation = from_spec(spec) if isinstance(spec, str) else spec
    if task is not None:
        augmentation.check(task)
    augmentation = augmentation.fitted(examples, task)
    seen: Counter[bytes] = Counter()
    made: list[Example] = []
    unchanged = 0
    for example in examples:
        key = fingerprint(example)
        rng = generator(seed, key, seen[key])
        seen[key] += 1
        wanted = math.floor(share) + int(rng.random() < share % 1)
        own = [_changed(example, augmentation, rng, task) for _ in range(wanted)]
        found = [copy for copy in own if copy is not None]
        unchanged += len(found) < wanted
        made += found
    return Copies(made, unchanged, len(examples))


def _changed(
    example: Example, augmentation: Augmentation, rng: np.random.Generator, task: Task | None
) -> Example | None:
    """A copy that differs from its original; None where no draw gave one."""
    for _ in range(TRIES):
        copy = augmentation(example, rng, task)
        if copy is not example and fingerprint(copy) != fingerprint(example):
            return copy
    return None


def fingerprint(example: Example) -> bytes:
    """What tells a text from others: its units, gold labels and passages."""
    passages = [[passage.before, *passage.words] for passage in example.passages]
    said = json.dumps([example.units, example.gold, passages])
    return hashlib.sha256(said.encode()).digest()


def generator(seed: int, key: bytes, *numbers: int) -> np.random.Generator:
    """What draws for one text: by the seed, what the text says, and whatever else is to count."""
    return np.random.default_rng([seed, int.from_bytes(key[:16]), *numbers])


@overload
def augment(
    texts: Dataset, spec: str | Augmentation, seed: int = 0, share: float = 1.0
) -> Dataset: ...
@overload
def augment(
    texts: Sequence[Example],
    spec: str | Augmentation,
    seed: int = 0,
    share: float = 1.0,
    task: Task | None = None,
) -> list[Example]: ...


def augment(
    texts: Dataset | Sequence[Example],
    spec: str | Augmentation,
    seed: int = 0,
    share: float = 1.0,
    task: Task | None = None,
) -> Dataset | list[Example]:
    """Texts, and changed copies of them after them; says in the log how many.

    Of a data set the training split alone has copies; its labels and its tokenizer stay.

    Args:
        texts: a data set (`lingym.envs.build`), or examples.
        spec: what is done (`from_spec`).
        seed: of all draws.
        share: copies of a text.
        task: what examples are of; a data set knows its own.

    Raises:
        ValueError: as `copies`, or the data set has no training split, or a task of its own.
    """
    if not isinstance(texts, Dataset):
        new = copies(texts, spec, seed, share, task)
        _tell(new)
        return [*texts, *new.examples]
    if "train" not in texts.splits:
        raise ValueError("only training texts are augmented, and the data set has none")
    if task is not None and task is not texts.task:
        raise ValueError("a data set has its own task: leave out task")
    train = texts["train"]
    new = copies(train.examples, spec, seed, share, texts.task)
    _tell(new)
    if not new.examples:
        return texts
    return replace(
        texts, splits={**texts.splits, "train": train.joined(encoded(train, new.examples))}
    )


def _tell(new: Copies) -> None:
    level = logging.INFO if new.examples else logging.WARNING
    logger.log(level, "%s", new.told())
