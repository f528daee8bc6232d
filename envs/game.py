"""The one game behind every environment: many episodes side by side, as arrays."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from lingym.envs.episodes import Episodes
from lingym.envs.growth import Added, Room, Wanted, encoded, further
from lingym.envs.rules import meaningful
from lingym.envs.spaces import LabelDiscrete, observation_space
from lingym.rewards import Reward, checked_score, checked_steps
from lingym.rewards.base import NonFiniteReward
from lingym.types import (
    UNDECIDED,
    Batch,
    BoolArray,
    FloatArray,
    IntArray,
    Labelings,
    Rows,
    stopped,
)

Observation = dict[str, IntArray]
LARGEST = 1e15  # of a reward that is learned from: losses square it in float32, which ends at 3e38
OBSERVED = ("input_ids", "attention_mask", "unit_of_token", "labels", "cursor", "allowed")


def chosen(wanted: Any, rows: int) -> IntArray:
    """The examples that ``options={"example": wanted}`` names, int32 [rows].

    Raises:
        ValueError: it is no whole number, nor one for each row.
    """
    examples = np.asarray(wanted)
    if not np.issubdtype(examples.dtype, np.integer) or examples.shape not in ((), (rows,)):
        each = f", or {rows} of them" if rows > 1 else ""
        raise ValueError(f"options['example'] must be a whole number{each}; got {wanted!r}")
    return np.full(rows, examples, np.int32)


class Game:
    """R episodes at once: the state of each, and what a label does to it.

    Args:
        episodes: the texts, with gold labels where the reward needs them. Where it hides them
            (feedback), they are given to it, and the game keeps the texts without.
        reward: what a labelling is worth; bound to the labels here.
        rows: R, how many episodes are played side by side.
        entrusted: the reward has the gold labels already, and the texts have none.
        room: how large observations are made beyond what the texts need.

    Raises:
        ValueError: there are no episodes, or the reward needs gold labels and some have none.
    """

    def __init__(
        self,
        episodes: Episodes,
        reward: Reward,
        rows: int,
        entrusted: bool = False,
        room: Wanted | None = None,
    ) -> None:
        if not len(episodes):
            raise ValueError("an environment needs at least one text")
        needed = (reward.hides_gold or reward.needs_gold) and not entrusted
        if needed and not episodes.labelled:
            raise ValueError(f"reward {reward.name} needs gold labels; these texts have none")
        if reward.hides_gold and reward.needs_gold:
            raise ValueError(
                f"reward {reward.name} has a part that hides the gold labels and one that reads "
                "them: put the second inside the first, as in one_score(accuracy)"
            )
        reward.bind(episodes.space)
        if reward.hides_gold and not entrusted:
            reward.entrust(episodes.sealed())
            episodes = episodes.without_gold()
        self.episodes = episodes
        self.reward = reward
        self.rows = rows
        self.room = Room.of(episodes, room)
        self.windows, self.tokens = self.room.windows, self.room.tokens
        self.count = len(episodes.space) or self.room.groups
        self.observation_space = observation_space(
            episodes.vocab_size,
            self.windows,
            self.tokens,
            self.room.units,
            self.count,
            self.room.groups,
            episodes.space.ruled,
        )
        self.action_space = LabelDiscrete(episodes.space, self.count)
        self.examples = np.zeros(rows, np.int32)
        self.lengths = np.zeros(rows, np.int32)
        self.cursor = np.zeros(rows, np.int32)
        self.labels = np.full((rows, self.room.units), UNDECIDED, np.int32)
        self.gold = self.labels.copy()
        self.groups = np.zeros(rows, np.int32)
        self.kinds = None if episodes.kinds is None else self.labels.copy()
        self.costs = None if episodes.costs is None else self.labels.copy()
        self.score: FloatArray = np.zeros(rows)
        size = (rows, self.windows * self.tokens)
        self._text = tuple(np.zeros(size, np.int32) for _ in range(3))
        self._all = np.arange(rows)
        self.crowded = not self.room.holds(episodes)  # some texts are larger than observations

    def of_rows(self, rows: int) -> "Game":
        """The same texts and reward, for as many episodes side by side."""
        hidden = self.reward.hides_gold
        return Game(self.episodes, self.reward, rows, entrusted=hidden, room=vars(self.room))

    def add(self, texts: Sequence[Added], whole: bool = False) -> IntArray:
        """Take in new texts after those that are played.

        Args:
            texts: records, their fields alone, or examples of the task.
            whole: let texts in that are larger than the observations: they can be drawn and played
                as whole episodes, not stepped.

        Returns:
            The new texts' indices, int32 [n]; those of the old ones stay.

        Raises:
            DataError: a record is not what the task needs, or has a label that the space has not.
            ValueError: a text has no gold labels and the reward needs them, or is too large.
        """
        old, reward = self.episodes, self.reward
        first = len(old)
        if not len(texts):
            return np.zeros(0, np.int32)
        new = encoded(old, further(old, texts))
        if (reward.hides_gold or reward.needs_gold) and not new.labelled:
            raise ValueError(
                f"reward {reward.name} needs gold labels; the new texts have some without"
            )
        if not whole:
            self.room.check(new)
        if reward.hides_gold:
            held = reward.entrusted
            if held is None:
                raise ValueError(
                    f"reward {reward.name} keeps the gold labels to itself and gives none back, to "
                    "which new ones could be added: it must define `entrusted`"
                )
            facts = old.task.joined_facts(held.facts, new.facts) if new.facts else {}
            reward.entrust(held.joined(new.sealed(), facts))
            new = new.without_gold()
        self.episodes = old.joined(new)
        self.crowded = self.crowded or not self.room.holds(new)
        return np.arange(first, len(self.episodes), dtype=np.int32)

    def begin(self, rows: Rows, examples: Rows) -> None:
        """Start new episodes in these rows, on these examples; both [n].

        Raises:
            ValueError: there is no such example.
        """
        wrong = examples[(examples < 0) | (examples >= len(self.episodes))]
        if len(wrong):
            raise ValueError(f"no example {wrong[0]}: the split has 0 .. {len(self.episodes) - 1}")
        if self.crowded:
            self.room.check(self.episodes, examples)
        texts = self.episodes.texts(examples, self.windows, self.tokens)
        for buffer, text in zip(self._text, texts, strict=True):
            buffer[rows] = text
        self.examples[rows] = examples
        bounds = self.episodes.unit_bounds  # not `lengths`, which would be those of all texts
        self.lengths[rows] = bounds[examples + 1] - bounds[examples]
        units = self.gold.shape[1]
        self.gold[rows] = self.episodes.gold_of(examples, units)
        self.groups[rows] = self.episodes.groups[examples]
        for own, flat in ((self.kinds, self.episodes.kinds), (self.costs, self.episodes.costs)):
            if own is not None and flat is not None:
                own[rows] = self.episodes.of_units(flat, examples, units)
        self.labels[rows] = UNDECIDED
        self.cursor[rows] = 0
        self.score[rows] = 0.0

    def step(self, actions: Rows) -> tuple[FloatArray, BoolArray]:
        """Give the unit at each row's cursor a label.

        Args:
            actions: [R] label ids.

        Returns:
            How much each row's score rose, float64 [R], and which episodes ended, bool [R].

        Raises:
            ValueError: an action is not a label, or an episode is over.
            RewardError: the reward failed, or is too large to be learned from.
        """
        actions = np.asarray(actions)
        if actions.shape != (self.rows,) or not np.issubdtype(actions.dtype, np.integer):
            raise ValueError(
                f"actions must be whole numbers of shape ({self.rows},), "
                f"got {actions.dtype} of shape {actions.shape}"
            )
        if ((actions < 0) | (actions >= self.count)).any():
            raise ValueError(f"an action must be in 0 .. {self.count - 1}")
        if (self.cursor >= self.lengths).any():
            raise ValueError("the episode is over: call reset()")
        self.labels[self._all, self.cursor] = actions
        self.cursor += 1
        if self.episodes.space.stop is not None:  # what was labelled is then the whole episode
            self.lengths = np.where(actions == self.episodes.space.stop, self.cursor, self.lengths)
        done = self.cursor == self.lengths
        rewards = np.zeros(self.rows)
        scored = np.flatnonzero(done) if self.reward.sparse else self._all
        if len(scored):
            score = checked_score(self.reward, self.labelings(scored))
            rewards[scored] = score - self.score[scored]
            self._check_size(rewards)
            self.score[scored] = score
        return rewards, done

    def _check_size(self, rewards: FloatArray) -> None:
        """Refuse rewards [R] that are finite, and not so in a loss or in its gradient's norm."""
        large = ~(np.abs(rewards) <= LARGEST)
        if large.any():
            examples = self.examples[large]
            raise NonFiniteReward(
                f"reward {self.reward.name} of example {examples[0]} is {rewards[large][0]}: "
                f"no loss can be made of more than {LARGEST:g}",
                np.unique(examples),
            )

    def labelings(self, rows: Rows) -> Labelings:
        """What these rows' labels are so far."""
        facts = self.episodes.facts
        if len(rows) == self.rows:
            return Labelings(
                *(self.labels, self.gold, self.cursor, self.lengths, self.examples),
                *(self.kinds, facts),
            )
        return Labelings(
            *(self.labels[rows], self.gold[rows], self.cursor[rows]),
            *(self.lengths[rows], self.examples[rows]),
            *(None if self.kinds is None else self.kinds[rows], facts),
        )

    def parts(self, rows: Rows) -> dict[str, FloatArray]:
        """The parts of these rows' scores by name; a whole one was scored in `step` already."""
        if type(self.reward).parts is Reward.parts:
            return {self.reward.name: self.score[rows]}
        return self.reward.parts(self.labelings(rows))

    def observe(self, rows: Rows) -> Observation:
        """The observations of these rows: copies, one leading axis."""
        state = [*self._text, self.labels, self.cursor[:, None]]
        if self.episodes.space.ruled:
            state.append(self.meaningful().astype(np.int32))
        if len(rows) == self.rows:  # all of them, in order: a plain copy is several times as fast
            return {name: value.copy() for name, value in zip(OBSERVED, state, strict=False)}
        return {name: value[rows] for name, value in zip(OBSERVED, state, strict=False)}

    def meaningful(self) -> BoolArray:
        """The labels that mean something for each row's next unit, bool [R, K]."""
        return meaningful(
            *(self.episodes.space, self.count, self.labels, self.cursor, self.lengths),
            *(self.groups, self.kinds, self.costs),
        )

    def action_masks(self) -> BoolArray:
        """The labels that each row's next unit may have, bool [R, K]; all if none is forbidden."""
        space = self.episodes.space
        masks = self.meaningful() if space.ruled else np.ones((self.rows, self.count), np.bool_)
        if space.transitions is None:
            return masks
        previous = self.labels[self._all, np.maximum(self.cursor - 1, 0)]
        following = space.transitions[np.where(self.cursor > 0, previous, self.count)]
        return masks & following if space.ruled else following

    def finished(self, rows: Rows) -> None:
        """Let the reward take note of these rows' labelings, which are complete."""
        self.reward.observe(self.labelings(rows))

    def play(self, batch: Batch, labels: IntArray, observe: bool = True) -> FloatArray:
        """Whole episodes in one call: the rewards that stepping through these labels would give.

        Args:
            batch: B episodes.
            labels: [B, U] a label for every unit; what stands after the last unit, or after a
                label that stops the episode, is ignored.
            observe: let a reward that learns in the run take note of these labelings.

        Returns:
            float64 [B, U], 0 after the last unit.

        Raises:
            ValueError: labels of a wrong shape, or a unit without a label.
            RewardError: the reward failed.
        """
        if labels.shape != batch.gold.shape or not np.issubdtype(labels.dtype, np.integer):
            raise ValueError(
                f"labels must be whole numbers of shape {batch.gold.shape}, "
                f"got {labels.dtype} of shape {labels.shape}"
            )
        lengths = stopped(labels, batch.lengths, batch.stop)
        real = np.arange(labels.shape[1]) < lengths[:, None]
        count = self.count
        if self.crowded and not len(self.episodes.space):  # more candidates than an observation has
            count = max(count, int(batch.groups.max(initial=0)))
        if ((labels < 0) | (labels >= count))[real].any():
            raise ValueError(f"a label must be in 0 .. {count - 1}")
        decided = np.where(real, labels, UNDECIDED).astype(np.int32)
        labelings = batch.complete(decided)
        rewards = checked_steps(self.reward, labelings)
        if observe:
            self.reward.observe(labelings)
        return rewards
