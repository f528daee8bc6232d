"""What `lingym train` does for little data: few texts, verbalisers, heads that know something."""

from typing import Any

from lingym.agents.episodic import EpisodicAlgorithm
from lingym.agents.head_init import head_from_names, head_from_prototypes
from lingym.envs import Dataset, Example, few_shot
from lingym.envs.label_names import label_texts
from lingym.envs.verbaliser import read_verbaliser, word_ids
from lingym.scripts.train import Train
from lingym.types import LabelSpace


def shots(arguments: Train, examples: list[Example], space: LabelSpace) -> list[Example]:
    """The training texts that `--few-shot` draws; all of them without it."""
    little = arguments.little
    if little.few_shot is None:
        return examples
    seeds = (little.few_shot_seed, arguments.limit_seed, arguments.seed)
    seed = next(seed for seed in seeds if seed is not None)
    return few_shot(examples, little.few_shot, seed, space)


def task_arguments(arguments: Train) -> dict[str, Any]:
    """What the task's class is told: the pattern, and the labels that have words."""
    given: dict[str, Any] = dict(arguments.little.arguments())
    if arguments.little.verbaliser is not None:
        given["labels"] = tuple(sorted(read_verbaliser(arguments.little.verbaliser)))
    return given


def head_arguments(arguments: Train, dataset: Dataset) -> dict[str, Any]:
    """What the policy is told of its head."""
    source = arguments.little.verbaliser
    if source is None:
        return {}
    return {"verbaliser": word_ids(dataset.tokenizer, dataset.space, read_verbaliser(source))}


def begin_head(arguments: Train, agent: EpisodicAlgorithm, dataset: Dataset) -> None:
    """Set the head as `--head-init` says; only what the agent sees is read."""
    little, policy = arguments.little, agent.policy
    if little.head_init == "prototypes":
        head_from_prototypes(policy, agent.label_env.episodes)
    if little.head_init == "names":
        names = label_texts(dataset.space, little.label_names)
        # A zero-shot run without training texts must not look at those it is measured on.
        texts = agent.label_env.episodes if "train" in dataset.splits else None
        head_from_names(policy, dataset.tokenizer, names, texts, arguments.max_tokens)


def split_of(arguments: Train, dataset: Dataset) -> str:
    """The split whose texts the agent is given: the training texts, if need be any.

    Raises:
        ValueError: there are no training texts, and the run is not zero-shot.
    """
    if "train" in dataset.splits:
        return "train"
    if not arguments.little.zero_shot or arguments.little.head_init == "prototypes":
        raise ValueError("no training texts: give --train FILE or --corpus NAME")
    return next(iter(dataset.splits))
