"""What an environment may be made from: a data set built already, or a task and its files."""

from typing import Any

from tokenizers import Tokenizer

from lingym.envs.corpora import Corpus, load_corpus
from lingym.envs.dataset import Dataset, build
from lingym.envs.episodes import Overflow
from lingym.envs.game import Game
from lingym.envs.growth import Wanted
from lingym.envs.tasks import Task
from lingym.rewards import Reward, from_spec


def make_game(
    rows: int,
    task: Task | None = None,
    *,
    dataset: Dataset | None = None,
    corpus: str | Corpus | None = None,
    train: str | None = None,
    dev: str | None = None,
    test: str | None = None,
    split: str = "train",
    reward: Reward | str | None = None,
    tokenizer: str | Tokenizer = "tiny",
    max_tokens: int = 256,
    overflow: Overflow = "windows",
    room: Wanted | None = None,
) -> Game:
    """A game of `rows` episodes; the environments' arguments are these.

    Args:
        rows: episodes side by side.
        task: what the units and labels are; not needed beside `dataset`.
        dataset: a data set that is built already (`lingym.envs.build`), shared by environments.
        corpus: a generated corpus or a Hub data set with all its splits, by name, or one that is
            loaded already.
        train: the file of the training split; `dev` and `test` likewise.
        dev: see `train`.
        test: see `train`.
        split: the split whose texts are played.
        reward: what a labelling is worth, an object or its text (``entity_f1(dense=True)``);
            None takes the task's own.
        tokenizer: an encoder's name or a fast tokenizer.
        max_tokens: tokens to a window at the most.
        overflow: what happens to a longer text: ``windows`` or ``refuse``.
        room: how large observations are made beyond what the split needs, for texts that are
            added later (`add_examples`): ``{"units": 64, "windows": 2, "tokens": 128}``, where
            labels are candidates also ``groups``.

    Raises:
        DataError: a file does not hold what the task needs.
        ValueError: arguments that contradict each other.
    """
    files: dict[str, Any] = {"corpus": corpus, "train": train, "dev": dev, "test": test}
    given = {name: value for name, value in files.items() if value is not None}
    if dataset is None:
        if task is None:
            raise ValueError("an environment needs a task, or a dataset that has one")
        if isinstance(corpus, Corpus) and len(given) > 1:
            raise ValueError("corpus holds its splits already: leave out train, dev and test")
        source = corpus
        if not isinstance(source, Corpus):
            source = load_corpus(**(given or {"corpus": task.corpus}))
        dataset = build(task, source, tokenizer, max_tokens, overflow)
    elif given or (task is not None and task is not dataset.task):
        raise ValueError(
            f"dataset has its own task and files: leave out {', '.join(given) or 'task'}"
        )
    if isinstance(reward, str):
        reward = from_spec(reward)
    if reward is None:
        reward = dataset.task.default_reward(dataset.space)
    return Game(dataset[split], reward, rows, room=room)
