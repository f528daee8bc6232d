"""The file of a sequence of corpora: a TOML table for each stage, in the order they come."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from lingym.reading import read_toml
from lingym.scripts.arguments import Reading
from lingym.scripts.compare.options import FILES, converted, fitting
from lingym.scripts.groups import HINTS, value_of, with_options
from lingym.scripts.mix import beside
from lingym.scripts.options_augment import Augmenting
from lingym.scripts.options_robust import Robust
from lingym.scripts.options_tuning import EncoderTuning
from lingym.scripts.train import Train
from lingym.scripts.train_check import OWN_KEYS

LEARNING = (
    *("agent", "reward", "episodes", "learning_rate", "head_lr_scale", "warmup", "weight_decay"),
    *("max_grad_norm", "batch_size", "rollout", "eval_every", "patience", "keep_best"),
)
OF_AGENTS = tuple(dict.fromkeys(name for names in OWN_KEYS.values() for name in names))
TEXTS = (
    *(*FILES, "train_limit", "dev_limit", "test_limit", "limit_seed", "few_shot", "few_shot_seed"),
    *(field.name for group in (Reading, Augmenting) for field in fields(group)),
)
OF_STAGE = (*TEXTS, *LEARNING, *OF_AGENTS, *(field.name for field in fields(Robust)))
"""What a stage's table may say: the other options hold for the whole sequence."""

OF_SEQUENCE = {
    **dict.fromkeys(FILES, "each stage's table names its files"),
    "warm_start": "the first stage begins from --encoder, each later one from the one before",
    "residual": "each stage trains the labeller itself",
    "zero_shot": "a stage that does not train is no stage",
    "head_init": "the head goes on from stage to stage",
    "pattern": "the head goes on from stage to stage",
    "verbaliser": "the head goes on from stage to stage",
    "mix": "a sequence has one task",
    "base": "nothing of the sequence is anywhere else",
    "seed": "say --seeds",
}
"""Options of `lingym train` that the command line may not have, and why."""


@dataclass(frozen=True)
class Stage:
    """One corpus of the sequence.

    Attributes:
        name: of its table.
        arguments: the options of `lingym train` of its run, but for what the run begins from.
        own: the names of those that its table says.
    """

    name: str
    arguments: Train
    own: tuple[str, ...] = ()


def load_sequence(file: str | Path, common: Train) -> tuple[Stage, ...]:
    """The stages that a file describes, in its order.

    Each table is a stage: ``corpus``, or ``train``, ``dev`` and ``test`` (paths beside the file, or
    from the root), how they are read (``labels = "ner_tags"``), and other options of `lingym train`
    that hold for this stage alone (`OF_STAGE`). Options of the command line hold for the others; a
    stage with an agent of its own takes those of them that its agent has.

    Args:
        file: the TOML file.
        common: the command line's options.

    Raises:
        ValueError: the file is not such a file, or an option cannot be; the message says where.
    """
    file = Path(file)
    check_common(common)
    if not file.is_file():
        raise ValueError(f"{file}: there is no such file")
    tables = read_toml(file)
    if len(tables) < 2:
        raise ValueError(f"{file}: a sequence is two or more tables, got {len(tables)}")
    stages = []
    for name, table in tables.items():
        where = f"{file}: [{name}]"
        if not isinstance(table, dict):
            raise ValueError(f"{where} must be a table, got {table!r}")
        if not re.fullmatch(r"\w[\w.-]*", name):
            raise ValueError(f"{where}: a name is letters, digits, '_', '-' and '.', as a folder's")
        stages.append(_stage(file, where, name, table, common))
    return tuple(stages)


def check_common(common: Train) -> None:
    """Refuse options of the command line that a sequence decides itself.

    Raises:
        ValueError: one of `OF_SEQUENCE` was given, or mixes of tasks.
    """
    plain = Train(out=common.out)
    for name, why in OF_SEQUENCE.items():
        if value_of(common, name) != value_of(plain, name):
            raise ValueError(f"--{name.replace('_', '-')} is not for lingym continual: {why}")
    if common.task == "multitask":
        raise ValueError("--task multitask is not for lingym continual: a sequence has one task")


def _stage(file: Path, where: str, name: str, table: Mapping[str, Any], common: Train) -> Stage:
    unknown = [key for key in table if key not in OF_STAGE]
    if unknown:
        more = " (it holds for all stages: say it on the command line)"
        told = more if unknown[0] in HINTS and unknown[0] not in OF_SEQUENCE else ""
        raise ValueError(f"{where} has no use for {unknown[0]}{told}")
    if not table.keys() & set(FILES):
        raise ValueError(f"{where} must say its corpus, or its files: train, dev, test")
    try:
        own = {key: converted(key, value) for key, value in table.items()}
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from None
    own |= {key: beside(file, own[key]) for key in FILES if own.get(key) is not None}
    arguments = common
    if "agent" in own:
        shared = {key: value_of(common, key) for key in (*OF_AGENTS, "reward")}
        plain = Train(out=common.out)
        unset = {key: value_of(plain, key) for key in shared}
        arguments = with_options(common, unset | fitting(shared, own["agent"]))
    arguments = with_options(arguments, own)
    try:
        arguments.check()
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from None
    return Stage(name, arguments, tuple(own))


def going_on(arguments: Train, before: Path) -> Train:
    """The options of a run that goes on from another, which brings its encoder and heads."""
    return replace(
        arguments,
        warm_start=before,
        encoder=None,
        pooling=None,
        history=None,
        constrained=None,
        attention_dropout=None,
        tuning=EncoderTuning(feature_cache=arguments.tuning.feature_cache),
    )
