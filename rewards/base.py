"""What a reward is: the score of a labelling, complete or not."""

from collections.abc import Iterable, Mapping
from dataclasses import MISSING, fields, is_dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from lingym.types import UNDECIDED, BoolArray, FloatArray, Gold, Labelings, LabelSpace, Rows

if TYPE_CHECKING:
    from lingym.rewards.sums import WeightedSum

Value = TypeVar("Value")


class RewardError(RuntimeError):
    """A reward failed, or gave something that is not a score; the message names it."""


class NonFiniteReward(RewardError):
    """A reward gave NaN or infinity.

    Args:
        message: which one did, on what.
        examples: the texts that it did so on.
    """

    def __init__(self, message: str, examples: Iterable[int] = ()) -> None:
        super().__init__(message)
        self.examples: Rows = np.fromiter(examples, np.int32)


class Reward:
    """Scores labelings; the reward of a step is how much it raised the score.

    With score(nothing) = 0, the rewards of an episode sum to the score of its whole labelling, and
    shaping by a dense score leaves the best policy as it is (Ng, Harada and Russell, 1999).

    A subclass gives ``name`` and ``score``. One that is a dataclass (``eq=False``) gets its written
    form from its fields. One that holds others names them in ``inner``, and what concerns all of
    them (``observe``, ``advance``, ``state``, ...) reaches them.

    A reward may learn in the course of a run: running counts, a multiplier, how much feedback was
    spent. Its score must not change but by ``observe`` and ``advance``, which the environment and
    the agent call between batches.

    Attributes:
        name: what its score is called in logs and on the command line.
        sparse: whether the score stays 0 until the labelling is complete. The environments then
            ask for the score of finished episodes only.
        named: whether it reads the names of labels, which candidates have not.
    """

    name: str
    sparse: bool = True
    named: bool = False
    _space: LabelSpace | None = None
    _written: str = ""  # the text that it was read from, where that names something not built in

    @property
    def inner(self) -> "tuple[Reward, ...]":
        """The rewards that this one holds."""
        return ()

    @property
    def needs_gold(self) -> bool:
        """Whether it reads gold labels, or facts of the split, in the labelings it is given."""
        return any(reward.needs_gold for reward in self.inner) if self.inner else True

    @property
    def hides_gold(self) -> bool:
        """Whether an environment must keep gold labels to it alone: see ``entrust``."""
        return any(reward.hides_gold for reward in self.inner)

    @property
    def exhausted(self) -> bool:
        """Whether it has nothing more to say in this run (a budget is spent), which ends it."""
        return any(reward.exhausted for reward in self.inner)

    def bind(self, space: LabelSpace) -> None:
        """Take the task's labels; environments call it once, before any score.

        Raises:
            ValueError: the reward cannot score these labels, or scores another task's already.
        """
        if self.named and space.form == "candidates":
            raise ValueError(
                f"reward {self.name} reads the names of labels, and here labels are candidates, "
                "which have none: such as accuracy and exact_match can score them"
            )
        if self._space is not None:
            self._check_same(self._space, space)
        self._space = space

    def _check_same(self, bound: LabelSpace, other: LabelSpace) -> None:
        """Refuse a space in which a label or a unit means something else."""
        for what, one, two in (
            ("labels", bound.names, other.names),
            ("form", bound.form, other.form),
            ("roles", bound.roles, other.roles),
            ("kinds", bound.kinds, other.kinds),
        ):
            if one != two:
                had, got = (list(v) if isinstance(v, tuple) else v for v in (one, two))
                raise ValueError(
                    f"reward {self.name} already scores {what} {had} and cannot score {got} too: "
                    "make a reward for each task"
                )

    @property
    def space(self) -> LabelSpace:
        """The labels that ``bind`` brought.

        Raises:
            RewardError: ``bind`` was not called.
        """
        if self._space is None:
            raise RewardError(
                f"reward {self.name} does not know its labels yet: call bind(LabelSpace(names)) "
                "before scoring (an environment does so for its own reward)"
            )
        return self._space

    def fact(self, labelings: Labelings, name: str) -> Any:
        """What the split knows by this name beside gold labels.

        Raises:
            RewardError: it knows nothing of that name.
        """
        if name not in labelings.facts:
            raise RewardError(
                f"reward {self.name} needs facts[{name!r}] of the split, which has "
                f"{', '.join(sorted(labelings.facts)) or 'none'}: it scores another task"
            )
        return labelings.facts[name]

    def score(self, labelings: Labelings) -> FloatArray:
        """What the labels given so far are worth, float64 [B]; 0 where none was given."""
        raise NotImplementedError

    def scored(self, labelings: Labelings) -> BoolArray:
        """Which rows may have a score other than 0, bool [B]: begun ones, or complete if sparse."""
        begun = labelings.decided > 0
        return begun & (labelings.decided >= labelings.lengths) if self.sparse else begun

    def steps(self, labelings: Labelings) -> FloatArray:
        """All step rewards of complete episodes, float64 [B, U]; 0 after the last unit.

        Step t of a row is score(first t + 1 labels) - score(first t labels). An override may be
        faster, never different.
        """
        rows, units = labelings.labels.shape
        steps = np.zeros((rows, units))
        if self.sparse:
            ended = np.flatnonzero(labelings.lengths > 0)
            steps[ended, labelings.lengths[ended] - 1] = self.score(labelings)[ended]
            return steps
        before = np.zeros(rows)
        for t in range(units):
            score = self.score(prefix(labelings, t + 1))
            with np.errstate(invalid="ignore"):  # infinity less itself; `checked_steps` says so
                steps[:, t] = score - before
            before = score
        return steps

    def table(self, labelings: Labelings, count: int) -> FloatArray | None:
        """What each label would add to the score, float64 [B, U, K], if labels are worth so apart.

        ``score`` of every complete labelling of these episodes is then the sum over its units of
        ``table[b, u, label]``, whichever the other labels are; 0 after the last unit. None where
        the worth of a label depends on others.

        Args:
            labelings: complete ones; their gold labels are read, their labels are not.
            count: K, how many labels there are.
        """
        return None

    def parts(self, labelings: Labelings) -> dict[str, FloatArray]:
        """The raw scores to log by name, float64 [B] each; only a sum has more than one."""
        return {self.name: self.score(labelings)}

    # What a reward learns in the course of a run.

    def entrust(self, gold: Gold) -> None:
        """Be given the gold labels of the split, which nothing else in the run will see.

        An environment whose reward says ``hides_gold`` calls it once, and again when texts were
        added; the labelings that it then scores have no gold labels.
        """
        for reward in self.inner:
            reward.entrust(gold)

    @property
    def entrusted(self) -> Gold | None:
        """The gold labels that it was given, to which an environment adds those of new texts."""
        held = (reward.entrusted for reward in self.inner)
        return next((gold for gold in held if gold is not None), None)

    def observe(self, labelings: Labelings) -> None:
        """Take note of finished labelings, complete ones, each once, after they were scored."""
        for reward in self.inner:
            reward.observe(labelings)

    def advance(self, progress: float) -> None:
        """Be told how much of the run is done, 0 to 1; agents call it before each rollout."""
        for reward in self.inner:
            reward.advance(progress)

    def readings(self) -> dict[str, float]:
        """What to log of its state, by name."""
        return gathered(reward.readings() for reward in self.inner)

    def measure(self) -> float | None:
        """What it stands for, over the episodes that were observed: a corpus metric, say.

        None where it knows nothing better than the mean of its scores, or has seen too little.
        `Constrained` holds a constraint by it.
        """
        return None

    def state(self) -> dict[str, Any]:
        """What it has learned, as JSON values: a run saves it, ``load_state`` takes it back."""
        states = {str(place): reward.state() for place, reward in enumerate(self.inner)}
        return {place: state for place, state in states.items() if state}

    def load_state(self, state: dict[str, Any]) -> None:
        """Go on from a state that ``state`` gave.

        Raises:
            ValueError: it is the state of another reward.
        """
        for place, own in state.items():
            if not place.isdecimal() or int(place) >= len(self.inner):
                raise ValueError(f"reward {self.name} has no state {place!r}: it is another's")
            self.inner[int(place)].load_state(own)

    def _split_state(self, state: dict[str, Any], *own: str) -> tuple[list[Any], dict[str, Any]]:
        """What ``own`` names of a state, and what is left for the rewards inside.

        Raises:
            ValueError: it has not all of these.
        """
        for name in own:
            if name not in state:
                raise ValueError(
                    f"the state of reward {self.name} has no {name!r}: it is another's"
                )
        inner = {place: value for place, value in state.items() if place not in own}
        return [state[name] for name in own], inner

    def to_spec(self) -> str:
        """The text that ``from_spec`` reads back: the name, and what differs from the defaults."""
        if self._written:
            return self._written
        changed = _changed_settings(self)
        return f"{self.name}({changed})" if changed else self.name

    def __str__(self) -> str:
        """The written form, ``to_spec``."""
        return self.to_spec()

    def __add__(self, other: "Reward") -> "WeightedSum":
        """The sum of two rewards."""
        from lingym.rewards.sums import WeightedSum  # a sum is a reward, so it imports this file

        if not isinstance(other, Reward):
            return NotImplemented
        return WeightedSum.of((1.0, self), (1.0, other))

    def __mul__(self, weight: float) -> "WeightedSum":
        """This reward, weighted."""
        from lingym.rewards.sums import WeightedSum

        if not isinstance(weight, int | float):
            return NotImplemented
        return WeightedSum.of((float(weight), self))

    __rmul__ = __mul__


def gathered(several: Iterable[dict[str, Value]]) -> dict[str, Value]:
    """One dict of several; of values with one name the second is called ``name_2``."""
    found: dict[str, Value] = {}
    for values in several:
        for name, value in values.items():
            own, count = name, 1
            while own in found:
                count += 1
                own = f"{name}_{count}"
            found[own] = value
    return found


def _changed_settings(reward: object) -> str:
    """The constructor's arguments that differ from its defaults; none where no dataclass."""
    if not is_dataclass(reward) or isinstance(reward, type):
        return ""
    values = vars(reward)
    written = []
    for field in fields(reward):
        value = values[field.name] if field.init else field.default
        if isinstance(value, Reward):
            text = value.to_spec()
            written.append(text if field.default is MISSING else f"{field.name}={text}")
        elif field.init and value != field.default:
            written.append(f"{field.name}={literal(value)}")
    return ", ".join(written)


def literal(value: object) -> str:
    """A setting as text that Python reads back; NumPy's numbers and strings as plain ones."""
    return repr(_plain(value))


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Mapping):
        return {_plain(key): _plain(inside) for key, inside in value.items()}
    if isinstance(value, tuple):
        return tuple(map(_plain, value))
    return value


def rises(scores: FloatArray, labelings: Labelings) -> FloatArray:
    """Step rewards from the scores of all prefixes.

    Args:
        scores: float64 [B, U]; ``scores[b, t]`` is the score of the first t + 1 labels.
        labelings: the complete episodes; their ``lengths`` say where the rewards end.
    """
    steps = np.diff(scores, axis=1, prepend=0.0)
    steps[np.arange(steps.shape[1]) >= labelings.lengths[:, None]] = 0.0
    return steps


def prefix(labelings: Labelings, units: int) -> Labelings:
    """The same episodes when only their first ``units`` units had a label."""
    labels = labelings.labels.copy()
    labels[:, units:] = UNDECIDED
    decided = np.minimum(labelings.decided, units).astype(np.int32)
    return replace(labelings, labels=labels, decided=decided)


def take(labelings: Labelings, rows: Rows | slice) -> Labelings:
    """Some of the episodes; rows is [N] places in 0 .. B - 1, or a slice."""
    return replace(
        labelings,
        labels=labelings.labels[rows],
        gold=labelings.gold[rows],
        decided=labelings.decided[rows],
        lengths=labelings.lengths[rows],
        examples=labelings.examples[rows],
        kinds=None if labelings.kinds is None else labelings.kinds[rows],
    )
