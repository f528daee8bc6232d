"""A reward for each kind of units."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from keyword import iskeyword

import numpy as np

from lingym.rewards.base import Reward
from lingym.rewards.checks import checked_score, checked_steps
from lingym.rewards.kinds import Kind, Part
from lingym.types import FloatArray, Gold, Labelings, LabelSpace


@dataclass(init=False, eq=False, repr=False)
class ByKind(Reward):
    """The sum over the kinds of units, as in ``by_kind(slot=0.5*entity_f1, intent=0.5*accuracy)``.

    Each reward sees the units of its kind alone, as an episode of their own, with the labels of
    that kind, named without it. A sparse one is paid when the last unit of its kind is labelled.
    An episode without units of a kind gets 0 from it. A label of another kind counts as the first
    label of the unit's own kind that is not its gold one, so it is never right.

    Attributes:
        rewards: the reward of each kind.
    """

    rewards: dict[str, Reward] = field(init=False)
    name = "by_kind"
    sparse = False
    _kinds: tuple[tuple[Kind, Reward], ...] | None = field(default=None, init=False)

    def __init__(self, rewards: Mapping[str, Reward]) -> None:
        """Keep the rewards, one for each kind.

        Raises:
            ValueError: there is none.
        """
        if not rewards:
            raise ValueError(
                "by_kind needs a reward for each kind of units, such as "
                "by_kind(slot=entity_f1, intent=accuracy)"
            )
        self.rewards = dict(rewards)
        self._kinds = None

    @property
    def inner(self) -> tuple[Reward, ...]:
        """The rewards of the kinds."""
        return tuple(self.rewards.values())

    def entrust(self, gold: Gold) -> None:
        """Refuse: the units of a kind are other units than those of the whole episode.

        Raises:
            ValueError: a part keeps gold labels to itself.
        """
        if self.hides_gold:
            raise ValueError(
                "a feedback inside by_kind would judge other units than the text has: put by_kind "
                "inside the feedback, as in one_score(by_kind(...))"
            )

    def observe(self, labelings: Labelings) -> None:
        """Let each reward take note of the units of its kind."""
        for _, reward, part in self._parts(labelings):
            reward.observe(part.labelings)

    def bind(self, space: LabelSpace) -> None:
        """Bind each reward to the labels of its kind.

        Raises:
            ValueError: the rewards are not for the kinds of the task, a kind has one label only, or
                a reward cannot score the labels of its kind.
        """
        super().bind(space)
        if set(self.rewards) != set(space.kinds):
            raise ValueError(
                f"reward by_kind has rewards for the kinds {', '.join(self.rewards)}, and the "
                f"task's kinds of units are {', '.join(space.kinds) or 'none'}: wanted one for each"
            )
        kinds = tuple((Kind.of(space, name), reward) for name, reward in self.rewards.items())
        for kind, reward in kinds:
            if len(kind.space) < 2:
                raise ValueError(
                    f"kind {kind.name!r} has the label {kind.space.names[0]!r} only, so that none "
                    "of its labels could be wrong: wanted two or more"
                )
            reward.bind(kind.space)
        self._kinds = kinds
        # With units of two kinds in an episode, one of them may be complete before the episode is.
        alone = space.mixed or len(kinds) == 1
        self.sparse = alone and all(reward.sparse for _, reward in kinds)

    def score(self, labelings: Labelings) -> FloatArray:
        """The scores of all kinds, summed, float64 [B]."""
        score = np.zeros(len(labelings.lengths))
        for _, reward, part in self._parts(labelings):
            score[part.rows] += checked_score(reward, part.labelings)
        return score

    def steps(self, labelings: Labelings) -> FloatArray:
        """The step rewards of each unit's own kind, float64 [B, U]."""
        steps = np.zeros(labelings.labels.shape)
        for _, reward, part in self._parts(labelings):
            own = checked_steps(reward, part.labelings)
            steps[part.row, part.unit] = own[part.own_row, part.own_unit]
        return steps

    def table(self, labelings: Labelings, count: int) -> FloatArray | None:
        """The tables of each unit's own kind, float64 [B, U, K]; None where a kind has none.

        A label of another kind is worth what it counts as.
        """
        total = np.zeros((*labelings.labels.shape, count))
        for kind, reward, part in self._parts(labelings):
            table = reward.table(part.labelings, len(kind.space))
            if table is None:
                return None
            gold = part.labelings.gold[part.own_row, part.own_unit]
            own = kind.ids[:-1]  # [K] ids within the kind; below 0 for another kind's
            ids = np.where(own >= 0, own, (gold == 0)[:, None])
            worth = table[part.own_row, part.own_unit]  # [M, own K]
            total[part.row, part.unit] = np.take_along_axis(worth, ids, 1)
        return total

    def parts(self, labelings: Labelings) -> dict[str, FloatArray]:
        """The scores of each kind by ``kind/name``, float64 [B] each; 0 without such units."""
        parts = {}
        for kind, reward, part in self._parts(labelings):
            for name, score in reward.parts(part.labelings).items():
                parts[f"{kind.name}/{name}"] = np.zeros(len(labelings.lengths))
                parts[f"{kind.name}/{name}"][part.rows] = score
        return parts

    def _parts(self, labelings: Labelings) -> Iterator[tuple[Kind, Reward, Part]]:
        """Each kind with its reward and its units."""
        _ = self.space  # an error with words where bind was forgotten
        for kind, reward in self._kinds or ():
            yield kind, reward, kind.part(labelings)

    def to_spec(self) -> str:
        """The text that ``from_spec`` reads back."""
        plain = all(name.isidentifier() and not iskeyword(name) for name in self.rewards)
        if plain:
            return f"by_kind({', '.join(f'{k}={r.to_spec()}' for k, r in self.rewards.items())})"
        pairs = ", ".join(f"{name!r}: {r.to_spec()}" for name, r in self.rewards.items())
        return f"by_kind(**{{{pairs}}})"

    def __repr__(self) -> str:
        """The expression that makes this reward."""
        return f"ByKind({self.rewards!r})"
