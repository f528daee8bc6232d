"""Several tasks from one TOML file, for ``--task multitask``."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lingym.envs import Corpus, MultiTask, Task, load_corpus, mixed
from lingym.envs.corpora import Options
from lingym.envs.tasks import TASKS
from lingym.reading import read_toml
from lingym.scripts.arguments import COLUMNS
from lingym.types import DataError

KINDS = ("tagging", "classification", "relation", "sentences")
"""The tasks that can share a policy: their units have names as labels, of one kind."""
FILES = ("corpus", "train", "dev", "test")
OWN = {"task", "weight", "format", *FILES}


def load_mix(
    file: str | Path, load: Callable[..., Corpus] = load_corpus
) -> tuple[MultiTask, Corpus]:
    """The tasks and the corpus that a file describes.

    Each table is a task: ``task`` (its kind), ``corpus`` or ``train``, ``dev`` and ``test`` (paths
    beside the file, or from the root), columns as on the command line (``labels = "slots"``), and
    ``weight``, which all tables have or none.

    Args:
        file: a path.
        load: reads a corpus.

    Raises:
        ValueError: the file is not such a file; the message names it and the table.
    """
    file = Path(file)
    if not file.is_file():
        raise ValueError(f"{file}: there is no such file")
    tables = read_toml(file)
    tasks: dict[str, Task] = {}
    corpora: dict[str, Corpus] = {}
    weights: dict[str, float] = {}
    for name, table in tables.items():
        if not isinstance(table, dict) or table.get("task") not in KINDS:
            found = table.get("task", "none") if isinstance(table, dict) else "no table"
            raise ValueError(
                f"{file}: [{name}] must say its task, one of {', '.join(KINDS)}; got {found}"
            )
        columns = COLUMNS[table["task"]]
        unknown = table.keys() - columns.keys() - OWN
        if unknown:
            known = ", ".join(sorted(OWN | columns.keys()))
            raise ValueError(f"{file}: [{name}] has no use for {min(unknown)}: known are {known}")
        if not table.keys() & set(FILES):
            raise ValueError(
                f"{file}: [{name}] must say its corpus, or its files: train, dev, test"
            )
        arguments = {columns[key]: value for key, value in table.items() if key in columns}
        for key in (*FILES, "format"):
            if key in table and (not isinstance(table[key], str) or "\0" in table[key]):
                raise ValueError(f"{file}: [{name}] wants text as {key}, got {table[key]!r}")
        try:
            tasks[name] = TASKS[table["task"]](**arguments)
            corpora[name] = load(
                **{key: beside(file, table[key]) for key in FILES if key in table},
                options=Options(format=table.get("format")),
            )
        except DataError as error:  # which begins with the corpus's own file and line
            raise DataError(f"{error} (in [{name}] of {file})") from None
        except (TypeError, ValueError) as error:
            raise ValueError(f"{file}: [{name}] {error}") from None
        weight = table.get("weight")
        if weight is not None:
            if type(weight) not in (int, float) or not math.isfinite(weight):
                raise ValueError(f"{file}: [{name}] wants a number as weight, got {weight!r}")
            weights[name] = weight
    if weights and len(weights) < len(tasks):
        missing = next(name for name in tasks if name not in weights)
        raise ValueError(f"{file}: [{missing}] has no weight, and others have one")
    try:
        return MultiTask(tasks, weights or None), mixed(corpora)
    except ValueError as error:
        raise ValueError(f"{file}: {error}") from None


def beside(file: Path, source: Any) -> str:
    """A path beside the file that names it; names of generated and Hub corpora as they are."""
    name = str(source)
    return name if name.startswith(("synthetic:", "hf:")) else str(file.parent / name)
