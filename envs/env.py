"""One episode at a time: the Gymnasium environment."""

from collections.abc import Sequence
from typing import Any

import gymnasium
import numpy as np

from lingym.envs.game import Game, Observation, chosen
from lingym.envs.growth import Added
from lingym.envs.order import Shuffled, Weighted, grow, order
from lingym.envs.source import make_game
from lingym.envs.tasks import Example, Task
from lingym.envs.tasks.table import short
from lingym.rewards.base import gathered
from lingym.types import BoolArray, IntArray

ROW = np.zeros(1, np.intp)


class LabelEnv(gymnasium.Env[Observation, int]):
    """A text whose units are labelled one after another.

    ## Description
    An episode is one text of a split. Its units (words, or the whole text) are walked from first to
    last; at each step the agent gives the unit at the cursor a label.

    ## Action Space
    `Discrete(K)`: the id of a label; ids are places in the list of label names,
    `action_space.labels.names`. `action_masks()` says which may be given now; a label that is not
    allowed is taken as it is, and scored as it is.

    ## Observation Space
    `Dict`, int32: `input_ids`, `attention_mask`, `unit_of_token` [windows * tokens], `labels` [U]
    (given so far, -1 where undecided) and `cursor` [1]; see `lingym.envs.spaces.observation_space`.
    The gold labels are never in it.

    ## Starting State
    The next text of the split, shuffled without replacement, with no unit labelled;
    `reset(options={"example": i})` takes text i.

    ## Reward
    How much this label raised the reward's score of the labelling; the rewards of an episode sum
    to the score of the whole labelling.

    ## Episode End
    Terminated when the last unit has its label; never truncated.

    ## Information
    `example`, the index of the text in its split; at the end also `score` and each part of the
    reward by its name.

    ## Arguments
    Those of `lingym.envs.source.make_game`, and `render_mode="ansi"`: words, gold labels and labels
    given so far.

    ## References
    Ramamurthy et al. (2020), NLPGym, https://arxiv.org/abs/2011.08272.

    ## Version History
    v0: first version.
    """

    metadata = {"render_modes": ["ansi"], "render_fps": 4}  # noqa: RUF012  (Gymnasium's own form)

    def __init__(self, *args: Any, render_mode: str | None = None, **kwargs: Any) -> None:
        self.game: Game = make_game(1, *args, **kwargs)
        self.observation_space: Any = self.game.observation_space
        self.action_space: Any = self.game.action_space
        self.render_mode = render_mode
        self._order: Shuffled | Weighted | None = None

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Start the next episode, or with ``options={"example": i}`` that of text i."""
        super().reset(seed=seed)
        if seed is not None or self._order is None:
            self._order = order(self.game.episodes, self.np_random)
        example = (options or {}).get("example")
        examples = chosen(next(self._order) if example is None else example, 1)
        self.game.begin(ROW, examples)
        return self._observe(), {"example": int(examples[0])}

    def step(self, action: int) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """Label the unit at the cursor."""
        rewards, done = self.game.step(np.array([action]))
        info: dict[str, Any] = {"example": int(self.game.examples[0])}
        if done[0]:
            info["score"] = float(self.game.score[0])
            parts = self.game.reward.parts(self.game.labelings(ROW))
            # A part may have any name, and takes no other's place.
            info = gathered((info, {name: float(part[0]) for name, part in parts.items()}))
            self.game.finished(ROW)
        return self._observe(), float(rewards[0]), bool(done[0]), False, info

    def add_examples(self, texts: Sequence[Added], whole: bool = False) -> IntArray:
        """Take in new texts, which join the round that is being played.

        They are read as the split was, with its tokenizer and labels. A reward that hides gold
        labels gets those of the new texts, and the environment keeps none.

        Args:
            texts: records (`lingym.envs.corpora.read_records`), their fields alone (``{"text": ...,
                "label": ...}``), or examples of the task.
            whole: let texts in that are larger than the observations (see ``room=``): they can be
                drawn and played as whole episodes, as the agents of lingym do, and not be stepped.

        Returns:
            The new texts' indices, int32 [n]; those of the old texts stay.

        Raises:
            DataError: a record is not what the task needs, or has a label that the environment has
                not; the message begins with file and line.
            ValueError: a text is too large, or has no gold labels and the reward needs them.
        """
        new = self.game.add(texts, whole)
        grow(self._order, self.game.episodes, new)
        return new

    def action_masks(self) -> BoolArray:
        """The labels that the unit at the cursor may have, bool [K]."""
        return self.game.action_masks()[0]

    def render(self) -> str | None:
        """The words with their gold labels and those given so far (mode ``ansi``)."""
        if self.render_mode is None:
            return None
        game = self.game
        example, length = int(game.examples[0]), int(game.lengths[0])
        if not length:
            raise gymnasium.error.ResetNeeded("call reset() before render()")
        shown, task = game.episodes.examples[example], game.episodes.task
        units = len(shown.units)
        state = (shown, game.gold[0, :units], game.labels[0, :units], game.episodes.space)
        if game.reward.hides_gold:  # nor is the record there that a task may want to show
            return _passages(shown) + Task.render(task, *state)
        return task.render(*state)

    def _observe(self) -> Observation:
        return {name: value[0] for name, value in self.game.observe(ROW).items()}


def _passages(example: Example) -> str:
    """What an encoder reads of an example beside its units, a line each."""
    others = (passage for passage in example.passages if passage.words != example.units)
    texts = (f"{passage.before} {' '.join(passage.words)}".strip() for passage in others)
    return "".join(f"{short(text, 600)}\n" for text in texts)
