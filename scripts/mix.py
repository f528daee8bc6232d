"""Several tasks from one TOML file, for ``--task multitask``."""

import tomllib
from pathlib import Path
from typing import Any

from lingym.envs import Corpus, MultiTask, Task, load_corpus, mixed
from lingym.envs.corpora import Options
from lingym.envs.tasks import TASKS
from lingym.scripts.arguments import COLUMNS

FILES = ("corpus", "train", "dev", "test")
OWN = {"task", "weight", "format", *FILES}


def load_mix(file: str | Path) -> tuple[MultiTask, Corpus]:
    """The tasks and the corpus that a file describes.

    Each table is a task: ``task`` (its kind), ``corpus`` or ``train``, ``dev`` and ``test`` (paths
    beside the file, or from the root), columns as on the command line (``labels = "slots"``), and
    ``weight``, which all tables have or none.

    Raises:
        ValueError: the file is not such a file; the message names it and the table.
    """
    file = Path(file)
    try:
        tables = tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{file}: {error}") from None
    tasks: dict[str, Task] = {}
    corpora: dict[str, Corpus] = {}
    weights: dict[str, float] = {}
    for name, table in tables.items():
        if not isinstance(table, dict) or table.get("task") not in TASKS:
            raise ValueError(f"{file}: [{name}] must say its task: one of {', '.join(TASKS)}")
        columns = COLUMNS[table["task"]]
        unknown = table.keys() - columns.keys() - OWN
        if unknown:
            known = ", ".join(sorted(OWN | columns.keys()))
            raise ValueError(f"{file}: [{name}] has no use for {min(unknown)}: known are {known}")
        arguments = {columns[key]: value for key, value in table.items() if key in columns}
        tasks[name] = TASKS[table["task"]](**arguments)
        corpora[name] = load_corpus(
            **{key: _place(file, table[key]) for key in FILES if key in table},
            options=Options(format=table.get("format")),
        )
        if "weight" in table:
            weights[name] = float(table["weight"])
    if weights and len(weights) < len(tasks):
        missing = next(name for name in tasks if name not in weights)
        raise ValueError(f"{file}: [{missing}] has no weight, and others have one")
    return MultiTask(tasks, weights or None), mixed(corpora)


def _place(file: Path, source: Any) -> str:
    """A path beside the mix's file; names of generated and Hub corpora as they are."""
    name = str(source)
    return name if name.startswith(("synthetic:", "hf:")) else str(file.parent / name)
