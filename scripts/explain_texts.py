"""What `lingym explain` shows: texts, what words did for their labels, what these were worth."""

import logging
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lingym.agents.explain import Attribution, Explainer, Worth, worth
from lingym.agents.explain.names import is_nothing
from lingym.envs import Episodes
from lingym.policies.distribution import FORBIDDEN
from lingym.rewards import Reward, from_spec, own
from lingym.scripts.reward_state import resume_reward
from lingym.trusted import read_json
from lingym.types import Form

if TYPE_CHECKING:
    from lingym.scripts.explain import Explain

logger = logging.getLogger("lingym")


@dataclass(frozen=True)
class Unit:
    """A unit of a text, and its label.

    Attributes:
        name: the unit's text, or its role.
        label: given.
        gold: None where nobody knows.
        probability: of the label, given those before it.
        worth: to the reward; None where there is none, or nothing to compare with.
        other: the label that it is compared with.
        share: the part of the score that it gave, for a reward that is a sum over units.
    """

    name: str
    label: str
    gold: str | None
    probability: float
    worth: float | None = None
    other: str | None = None
    share: float | None = None


@dataclass(frozen=True)
class Text:
    """An explained text.

    Attributes:
        name: where it was read.
        found: what its words did.
        units: those that have a label.
        targets: the labels that are explained, which may be others than those given.
        form: what labels are told from (`LabelSpace.form`).
        score: of the whole labelling, by the reward.
    """

    name: str
    found: Attribution
    units: tuple[Unit, ...]
    targets: tuple[str, ...]
    form: Form
    score: float | None = None


@dataclass(frozen=True)
class Explained:
    """All texts, and how they were explained."""

    texts: tuple[Text, ...]
    explainer: Explainer
    reward: str | None
    how: str | None
    against: str


def gather(asked: "Explain", explainer: Explainer, episodes: Episodes) -> Explained:
    """Explain texts, and say what their labels were worth."""
    rows = range(min(asked.limit, len(episodes)))
    found = list(explainer.explain(episodes, rows, asked.label))
    missed = [each for each in found if each.error is not None]
    wrong = [float(each.error.max()) for each in missed if each.error is not None]
    if wrong and max(wrong) > explainer.tolerance:
        logger.warning(
            "the scores of %d of %d texts miss their sum by more than %g (%.2g at the most), even "
            "with %d steps: raise --tolerance, or explain by --method leave-one-out",
            sum(gap > explainer.tolerance for gap in wrong),
            len(found),
            explainer.tolerance,
            max(wrong),
            max(each.steps or 0 for each in missed),
        )
    reward = reward_of(asked, episodes)
    value = None if reward is None else valued(asked, reward, episodes, found)
    texts = tuple(_text(episodes, each, value, row) for row, each in enumerate(found))
    return Explained(
        *(texts, explainer, None if reward is None else reward.to_spec()),
        *(None if value is None else value.how, asked.against),
    )


def reward_of(asked: "Explain", episodes: Episodes) -> Reward | None:
    """The reward that labels are worth something to, bound and in the state of the run.

    Raises:
        ValueError: it was asked for, and needs gold labels that there are not.
    """
    spec = asked.reward
    if spec == "none" or (spec is None and not episodes.labelled):
        return None
    file = asked.run_folder / "config.json"
    if spec is None and file.is_file():
        spec = _reward_in(file)
    reward = episodes.task.default_reward(episodes.space) if spec is None else from_spec(spec)
    if reward.needs_gold and not episodes.labelled:
        raise ValueError(
            f"reward {reward.name} needs gold labels, which the texts have not: give a --file that "
            "has them, or --reward none"
        )
    reward.bind(episodes.space)
    if reward.hides_gold:
        reward.entrust(episodes.sealed())
    told = resume_reward(reward, asked.run_folder)
    if told:
        logger.info(told)
    return reward


def _reward_in(file: Path) -> str | None:
    """The reward that a run's ``config.json`` names, if it is built in or of an installed package.

    Raises:
        ValueError: it is code of the run's own, which nobody has asked to run.
    """
    said = read_json(file)
    arguments = said.get("arguments", {}) if isinstance(said, dict) else {}
    if not isinstance(arguments, dict):
        raise ValueError(f"{file}: arguments is {arguments!r}; wanted an object")
    spec = arguments.get("reward") if arguments.get("agent") != "supervised" else None
    if spec is not None and not isinstance(spec, str):
        raise ValueError(f"{file}: the reward is {spec!r}; wanted text")
    if spec is not None and own.places(spec):
        raise ValueError(
            f"{file}: the run was trained on {spec}, whose {own.places(spec)[0]} is code. A folder "
            f"does not get its code run: give --reward {shlex.quote(spec)} to run it, or --reward "
            "none"
        )
    return spec


def valued(asked: "Explain", reward: Reward, episodes: Episodes, found: list[Attribution]) -> Worth:
    """What the labels of all texts were worth, scored in one call."""
    batch = episodes.batch([each.row for each in found])
    units, count = batch.gold.shape[1], max(each.log_probs.shape[1] for each in found)
    labels = np.full((len(found), units), -1, np.int32)
    log_probs = np.full((len(found), units, count), FORBIDDEN)
    for row, each in enumerate(found):
        own, names = each.log_probs.shape
        labels[row, :own] = each.labels
        log_probs[row, :own, :names] = each.log_probs
    space = episodes.space
    empty = [place for place, name in enumerate(space.names) if is_nothing(name)]
    nothing = empty[0] if empty and not space.kinds and space.form != "candidates" else None
    how = "shapley" if asked.shapley else "leave-one-out"
    return worth(reward, batch, labels, log_probs, asked.against, how, nothing, asked.seed)  # type: ignore[arg-type]


def _text(episodes: Episodes, found: Attribution, value: Worth | None, row: int) -> Text:
    example, space = episodes.examples[found.row], episodes.space
    gold = episodes.gold_of(np.array([found.row]), len(found.labels))[0]
    units = []
    for unit, label in enumerate(found.labels):
        if label < 0:
            continue
        worth_here, other, share = None, None, None
        if value is not None:
            gain, instead = float(value.worth[row, unit]), int(value.others[row, unit])
            worth_here = None if np.isnan(gain) else gain
            other = None if instead < 0 else example.label(instead, space)
            share = None if value.shares is None else float(value.shares[row, unit])
        units.append(
            Unit(
                example.units[unit],
                example.label(int(label), space),
                None if gold[unit] < 0 else example.label(int(gold[unit]), space),
                float(np.exp(found.log_probs[unit, label])),
                *(worth_here, other, share),
            )
        )
    return Text(
        example.record.where(),
        found,
        tuple(units),
        tuple(example.label(int(target), space) for target in found.targets),
        space.form,
        None if value is None else float(value.score[row]),
    )
