"""The texts of a sequence of corpora, all with one set of labels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lingym.envs import Dataset, Episodes, MultiTask, Task, encode
from lingym.envs.dataset import texts_of
from lingym.envs.tasks import Example
from lingym.envs.tokenizer import UnitTokenizer, load_tokenizer
from lingym.scripts.continual_sequence import Stage
from lingym.scripts.train import Train
from lingym.scripts.training import encoder, say, task_and_corpus, used
from lingym.types import LabelSpace

SPLITS = ("train", "dev", "test")


@dataclass(frozen=True)
class Sequenced:
    """A sequence that was read.

    Attributes:
        task: of all stages; where labels are a stage's own, a mix with the stages as its tasks.
        space: the labels of all stages, there from the start.
        units: the tokenizer.
        train: the training texts of each stage, those that its limits leave.
        dev: the dev texts of each stage.
        test: likewise, of the stages that have some.
        common: the command line's options.
    """

    task: Task
    space: LabelSpace
    units: UnitTokenizer
    train: Mapping[str, list[Example]]
    dev: Mapping[str, Episodes]
    test: Mapping[str, Episodes]
    common: Train

    def encoded(self, examples: Sequence[Example]) -> Episodes:
        """Texts as episodes with the labels of all stages."""
        common = self.common
        return encode(
            self.task, examples, self.space, self.units, common.max_tokens, common.overflow
        )

    def dataset(self, train: Sequence[Example], dev: Episodes) -> Dataset:
        """What a run learns from, and the dev texts that it is measured on as it learns."""
        splits = {"train": self.encoded(train), "dev": dev}
        return Dataset(self.task, self.space, self.units.tokenizer, splits)


def read(stages: Sequence[Stage], common: Train, own: bool) -> Sequenced:
    """Read the corpora of all stages.

    Args:
        stages: of the sequence.
        common: the command line's options.
        own: whether each stage has labels of its own, named ``stage/label``, and every text is
            labelled with those of its stage; else a label of one name is one label.

    Raises:
        DataError: a corpus is not what the task needs.
        ValueError: a stage lacks training or dev texts, or its task cannot have labels of its own.
    """
    tasks: dict[str, Task] = {}
    spaces: dict[str, LabelSpace] = {}
    every: list[Example] = []
    kept: dict[str, dict[str, list[Example]]] = {split: {} for split in SPLITS}
    for stage in stages:
        task, source = task_and_corpus(stage.arguments)
        read = task.read({n: rows for n in SPLITS if (rows := getattr(source, n))})
        for split in ("train", "dev"):
            if split not in read:
                raise ValueError(f"stage {stage.name} has no {split} texts: name them in its table")
        examples = [example for split in read.values() for example in split]
        tasks[stage.name], spaces[stage.name] = task, task.label_space(examples)
        every += examples
        for split, those in read.items():
            those = used(stage.arguments, task, split, those)
            if split == "train":
                seed = stage.arguments.seed
                those, told = stage.arguments.augmenting.augmented(those, task, seed)
                if told:
                    say(f"{stage.name}: {told}")
            kept[split][stage.name] = those
    joined: Task = next(iter(tasks.values()))
    if own:
        joined = MultiTask(tasks)
        joined.spaces = spaces
        kept = {
            split: {n: [joined.named(n, each) for each in those] for n, those in by.items()}
            for split, by in kept.items()
        }
    space = joined.label_space(every)
    if space.form != "candidates" and len(space) < 2:
        raise ValueError(f"a task needs at least two labels, the sequence has {space.names}")
    fit = [example for those in kept["train"].values() for example in those]
    texts = (text for example in fit for text in texts_of(example, space.of_text))
    units = UnitTokenizer(load_tokenizer(encoder(common), texts))
    found = Sequenced(joined, space, units, kept["train"], {}, {}, common)
    dev, test = (
        {name: found.encoded(those) for name, those in kept[split].items()}
        for split in ("dev", "test")
    )
    return Sequenced(joined, space, units, kept["train"], dev, test, common)
