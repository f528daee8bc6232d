"""The noise of the robustness report, and the noisy texts that all runs are given."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from lingym.envs.augment import Augmentation, Casing, DeletedWords, Pool, Typos, UnseenEntities
from lingym.envs.augment.copies import fingerprint, generator
from lingym.envs.augment.views import task_name
from lingym.envs.tasks import Example, Task

Maker = Callable[[float], Augmentation]

NAMES = ("typos", "lower", "upper", "title", "deleted_words", "unseen_entities")

TITLES = {
    "typos": "Typing errors",
    "lower": "Lower case",
    "upper": "Upper case",
    "title": "Title case",
    "deleted_words": "Words left out",
    "unseen_entities": "Unseen entities",
}


def noises(
    task: Task, wanted: Sequence[str], pool: Pool | None = None, seen: Pool | None = None
) -> dict[str, Maker]:
    """The noise that a task allows, each by its strength.

    Args:
        task: what is labelled.
        wanted: names out of `NAMES`; none for all that are allowed.
        pool: new mentions, for unseen entities.
        seen: mentions of the training texts.

    Raises:
        ValueError: an unknown name, or a noise that the task does not allow.
    """
    unknown = [name for name in wanted if name not in NAMES]
    if unknown:
        raise ValueError(f"unknown noise {unknown[0]!r}: known are {', '.join(NAMES)}")
    makers: dict[str, Maker] = {
        "typos": Typos,
        "lower": lambda rate: Casing(rate, to="lower"),
        "upper": lambda rate: Casing(rate, to="upper"),
        "title": lambda rate: Casing(rate, to="title"),
        "deleted_words": DeletedWords,
        "unseen_entities": lambda rate: UnseenEntities(rate, pool=pool, seen=seen),
    }
    for name in wanted:
        makers[name](0.0).check(task)
    kind = task_name(task)
    return {
        name: makers[name]
        for name in (wanted or NAMES)
        if kind in makers[name](0.0).tasks  # checked already where it was asked for
    }


def told(task: str, pool: bool, seen: bool) -> Mapping[str, str]:
    """What each noise does, in words, for the report."""
    stays = {"spanqa": "; answers stay", "relation": "; head and tail stay"}.get(task, "")
    tags = "; words of entities stay" if task in ("tagging", "slots_intent") else stays
    new = "put together from parts of training mentions of the type, or invented where too few"
    if pool:
        new = "drawn from the table of mentions" + (", without those in training" if seen else "")
    elif not seen:
        new = "invented: letters drawn anew, a vowel for a vowel, in the same case"
    return {
        "typos": f"in a word two letters swapped, one lost, added, or a key missed{stays}",
        "lower": f"words in small letters{stays}",
        "upper": f"words in capitals{stays}",
        "title": f"words with a capital first letter{stays}",
        "deleted_words": f"words left out{tags}",
        "unseen_entities": f"entities exchanged for others of their type, {new}",
    }


def noisy(
    examples: Sequence[Example], task: Task, make: Maker, strength: float, seed: int, draw: int
) -> list[Example]:
    """Texts with noise; a text has the same in any company and order.

    Args:
        examples: the texts; they stay as they are.
        task: that read them.
        make: the noise of a strength.
        strength: the share of words or entities that it changes.
        seed: of the report.
        draw: the number of the draw.
    """
    noise = make(strength)
    seen: Counter[bytes] = Counter()
    made = []
    for example in examples:
        key = fingerprint(example)
        made.append(noise(example, generator(seed, key, seen[key], draw), task))
        seen[key] += 1
    return made
