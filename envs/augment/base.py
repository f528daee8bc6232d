"""What an augmentation is, and how several become one."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, ClassVar, Self

import numpy as np

from lingym.envs.augment.views import MIXED, VIEWS, View, guessed, task_name, view_of
from lingym.envs.augment.words import Text
from lingym.envs.tasks import Example, MultiTask, Task

Perturbation = Callable[[Example, float, np.random.Generator], Example]
"""An example, how strongly it is to be changed (0 not at all, 1 every word or mention), and what
draws; gives another example, or the same where nothing changed."""

ALL = (*VIEWS,)


class Augmentation:
    """Changes the text of an example and keeps its gold labels right.

    Attributes:
        name: in text (`lingym.envs.augment.from_spec`).
        tasks: the names of the tasks that it makes sense for.
        why: why it makes none for others.
    """

    name: ClassVar[str] = ""
    tasks: ClassVar[tuple[str, ...]] = ALL
    why: ClassVar[str] = ""

    def parts(self) -> Iterable["Augmentation"]:
        """The single augmentations that it is made of."""
        yield self

    def fitted(self, examples: Sequence[Example], task: Task | None = None) -> Self:
        """The augmentation with what it takes from the training texts; most take nothing."""
        return self

    def check(self, task: Task | str) -> None:
        """Refuse a task, or one of this name, that it makes no sense for.

        Raises:
            ValueError: says which augmentation, which task, and why.
        """
        name = task if isinstance(task, str) else task_name(task)
        if name == MultiTask.name:
            raise ValueError(MIXED)
        for part in self.parts():
            if name not in part.tasks:
                raise ValueError(
                    f"{part.name} cannot augment the task {name}: {part.why}; it is for "
                    f"{', '.join(part.tasks)}"
                )

    def __call__(
        self, example: Example, rng: np.random.Generator, task: Task | None = None
    ) -> Example:
        """An example changed; the one that came in where nothing changed.

        Args:
            example: stays as it is.
            rng: draws what changes.
            task: what it is an example of; None tells it by its shape, with the columns by their
                usual names.

        Raises:
            ValueError: the augmentation is not for this task.
        """
        raise NotImplementedError(f"{type(self).__name__} must define __call__")


class WordAugmentation(Augmentation):
    """Changes the words of each text that an example has.

    Args:
        rate: how probable it is that a word (or a mention) changes, from 0 to 1.
    """

    def __init__(self, rate: float) -> None:
        if isinstance(rate, bool) or not isinstance(rate, int | float) or not 0 <= rate <= 1:
            raise ValueError(f"rate must be a number from 0 to 1, got {rate!r}")
        self.rate = rate

    def change(self, words: Text, rng: np.random.Generator) -> Text:
        """The words of a text, some of them changed; at least one is left."""
        raise NotImplementedError(f"{type(self).__name__} must define change")

    def __call__(
        self, example: Example, rng: np.random.Generator, task: Task | None = None
    ) -> Example:
        """Every text of the example changed."""
        view: View
        if task is None:
            name = guessed(example)
            if name not in self.tasks:
                raise ValueError(f"{self.name} cannot augment a text of {name}: {self.why}")
            view = VIEWS[name]
        else:
            view = view_of(task)
        texts = view.texts(example)
        changed = tuple(self.change(words, rng) if words else words for words in texts)
        return example if changed == texts else view.changed(example, changed)

    def draw(self, count: int, rng: np.random.Generator) -> Any:
        """Which of so many things change, bool [count]."""
        return rng.random(count) < self.rate


class Chain(Augmentation):
    """One augmentation after another: ``typos(0.1) | casing(0.2)``."""

    def __init__(self, *steps: Augmentation) -> None:
        self.steps = steps

    def parts(self) -> Iterable[Augmentation]:
        """Those of all steps."""
        return (part for step in self.steps for part in step.parts())

    def fitted(self, examples: Sequence[Example], task: Task | None = None) -> "Chain":
        """With every step fitted."""
        return Chain(*(step.fitted(examples, task) for step in self.steps))

    def __call__(
        self, example: Example, rng: np.random.Generator, task: Task | None = None
    ) -> Example:
        """The example after all steps."""
        for step in self.steps:
            example = step(example, rng, task)
        return example


class Mix(Augmentation):
    """One of several for each copy, drawn by weight: ``2*typos(0.1) + mentions(0.5)``."""

    def __init__(self, choices: Sequence[tuple[float, Augmentation]]) -> None:
        for weight, choice in choices:
            if not 0 < weight < float("inf"):
                raise ValueError(f"the weight of {choice.name or 'a part'} is {weight}: wanted > 0")
        self.choices = tuple(choices)

    def parts(self) -> Iterable[Augmentation]:
        """Those of all choices."""
        return (part for _, choice in self.choices for part in choice.parts())

    def fitted(self, examples: Sequence[Example], task: Task | None = None) -> "Mix":
        """With every choice fitted."""
        return Mix([(weight, choice.fitted(examples, task)) for weight, choice in self.choices])

    def __call__(
        self, example: Example, rng: np.random.Generator, task: Task | None = None
    ) -> Example:
        """The example changed by one of the choices."""
        weights = np.array([weight for weight, _ in self.choices])
        place = rng.choice(len(weights), p=weights / weights.sum())
        return self.choices[place][1](example, rng, task)
