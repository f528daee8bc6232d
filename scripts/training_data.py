"""What a training run reads: its texts, in the tokens of its encoder."""

from collections import Counter
from pathlib import Path

import numpy as np

from lingym.agents.labeller import model_folder
from lingym.envs import (
    Abstaining,
    Corpus,
    Dataset,
    MultiTask,
    Task,
    build,
    load_corpus,
    stream_corpus,
)
from lingym.envs.corpora.load import SPLITS
from lingym.envs.disk import build_on_disk
from lingym.envs.tasks import TASKS, Example
from lingym.envs.tasks.abstaining import SETTING, known_task
from lingym.envs.tasks.multitask import FIELD
from lingym.policies import read_labels, read_settings
from lingym.rewards import ABSTAIN
from lingym.scripts.little import shots, task_arguments
from lingym.scripts.mix import load_mix
from lingym.scripts.run_folder import say
from lingym.scripts.train import Train


def read(arguments: Train) -> Dataset:
    """The corpus of a run, in the tokens of its encoder."""
    task, source = task_and_corpus(arguments)
    if arguments.disk.on_disk is not None:
        return build_on_disk(
            *(task, source, arguments.disk.on_disk, encoder(arguments)),
            *(arguments.max_tokens, arguments.overflow),
            {split: getattr(arguments, f"{split}_limit") for split in SPLITS},
        )

    def keep(split: str, examples: list[Example]) -> list[Example]:
        kept = used(arguments, task, split, examples)
        if split != "train":
            return kept
        augmented, told = arguments.augmenting.augmented(kept, task, arguments.seed)
        if told:
            say(told)
        return augmented

    # The labels are those of all texts: a run on a slice can go on with the rest.
    return build(
        *(task, source, encoder(arguments), arguments.max_tokens, arguments.overflow), keep=keep
    )


def used(arguments: Train, task: Task, split: str, examples: list[Example]) -> list[Example]:
    """The texts of a split that a run uses, in its order: those that its limits leave."""
    if split == "train" and arguments.limit_seed is not None:
        order = np.random.default_rng(arguments.limit_seed).permutation(len(examples))
        examples = [examples[place] for place in order]
    kept = limited(examples, getattr(arguments, f"{split}_limit"), isinstance(task, MultiTask))
    if split != "train" or arguments.little.few_shot is None:
        return kept
    return shots(arguments, kept, task.label_space(examples))


def limited(examples: list[Example], limit: int | None, each_task: bool) -> list[Example]:
    """The first examples; of a mix the first of each task."""
    if limit is None or not each_task:
        return examples[:limit]
    seen: Counter[object] = Counter()
    kept = []
    for example in examples:
        seen[example.record[FIELD]] += 1
        if seen[example.record[FIELD]] <= limit:
            kept.append(example)
    return kept


def task_and_corpus(arguments: Train) -> tuple[Task, Corpus]:
    """What a run labels, with the labels of its warm start if it has one."""
    kind = arguments.task
    given = {**arguments.options.arguments(kind), **arguments.reading.arguments(kind)}
    given |= task_arguments(arguments)
    abstaining = arguments.options.abstaining()
    files = {name: getattr(arguments, name) for name in ("corpus", "train", "dev", "test")}
    named = {name: value for name, value in files.items() if value is not None}
    load = load_corpus if arguments.disk.on_disk is None else stream_corpus
    own = arguments.train or arguments.corpus or (arguments.little.zero_shot and named)
    if kind == "multitask":
        if named:
            raise ValueError(f"multitask reads its files from --mix: leave out --{min(named)}")
        mix = arguments.options.mix
        task, source = MultiTask.default() if mix is None else load_mix(mix, load)
    else:
        task = TASKS[kind](**given)
        if abstaining is not None:
            task = Abstaining(task, **abstaining)
        source = load(
            **(named if own else {"corpus": task.corpus, **named}),
            options=arguments.reading.options(),
        )
    assert isinstance(source, Corpus)
    folder = begun_from(arguments)
    if folder is None:
        return task, source
    if arguments.warm_start is not None and arguments.encoder is not None:
        raise ValueError("--warm-start brings its own encoder: leave out --encoder")
    kept = read_settings(folder).get("task_settings", {})
    labels = read_labels(folder)
    if isinstance(task, MultiTask):
        return MultiTask(task.tasks, task.weights, labels.names), source
    if abstaining is not None and ABSTAIN not in labels.names:
        return Abstaining(TASKS[kind].of_space(labels, **{**kept, **given}), **abstaining), source
    if abstaining is not None:
        kept = {**kept, SETTING: {**kept.get(SETTING, {}), **abstaining}}
    return known_task(TASKS[kind], labels, **{**kept, **given}), source


def begun_from(arguments: Train) -> Path | None:
    """The model folder of the warm start, or of the labeller to be corrected."""
    run = arguments.warm_start or arguments.fusion.residual
    return None if run is None else model_folder(run)


def encoder(arguments: Train) -> str:
    """The encoder whose tokens are read: that of what the run begins from, or the one asked for."""
    folder = begun_from(arguments)
    return arguments.encoder or "minilm" if folder is None else str(folder)
