"""Users of a labeller, simulated: they know the gold labels, and say what labels are worth."""

from collections.abc import Sequence

import numpy as np

from lingym.agents import OnlineLearner
from lingym.envs import Episodes
from lingym.envs.game import Game
from lingym.rewards import Reward
from lingym.rewards.feedback import Judge
from lingym.types import UNDECIDED, BoolArray, FloatArray, IntArray


class Users:
    """Who reads the labels that a learner gives, and judges them by gold ones.

    The learner is handed numbers only; the gold labels stay here, and with a reward that hides them
    (feedback) inside that.

    Args:
        texts: with gold labels, in the order in which they are labelled.
        reward: what a labelling is worth.
        learner: whose labels are judged.
    """

    def __init__(self, texts: Episodes, reward: Reward, learner: OnlineLearner) -> None:
        self.texts, self.learner = texts, learner
        self.game = Game(texts, reward, 1)
        self.first = learner.labelled  # the id of the first text
        self.told = 0  # texts that had their feedback
        self.given: list[IntArray] = []  # the labels of each text

    @property
    def reward(self) -> Reward:
        """What a labelling is worth."""
        return self.game.reward

    def meet(self, texts: Episodes) -> None:
        """Learn the gold labels of further texts, which come after the others."""
        self.game.add(texts.examples, whole=True)
        self.texts = self.texts.joined(texts)

    def see(self, ids: Sequence[int]) -> None:
        """Read the labels of the next texts."""
        self.given += [self.learner.waiting[id].labels for id in ids]

    def tell(self, until: int) -> tuple[FloatArray, list[dict[str, float]]]:
        """Give feedback on texts up to one of those that were read.

        Where a judge says nothing of a text, the learner hears nothing of it, and not a 0.

        Args:
            until: the place of the first text that is not yet judged.

        Returns:
            The scores of the texts of which something was said [n], and what each update measured.
        """
        places = np.arange(self.told, min(until, len(self.given)))
        self.told = max(self.told, min(until, len(self.given)))
        if not len(places) or self.reward.exhausted:
            return np.zeros(0), []
        batch = self.game.episodes.batch(places)
        labels = padded([self.given[place] for place in places], batch.gold.shape[1])
        heard: BoolArray = np.ones(len(places), np.bool_)
        if isinstance(self.reward, Judge):
            labelings = self.reward.reveal(batch.complete(labels))
            heard = np.asarray(self.reward.verdicts(labelings).given.any(1))
        rewards = self.game.play(batch, labels)
        logs = []
        for place, own in zip(places[heard].tolist(), rewards[heard], strict=True):
            log = self.learner.feedback(self.first + place, own[: len(self.given[place])])
            if log:
                logs.append(log)
        return rewards[heard].sum(1), logs

    def measure(self, first: int, last: int) -> dict[str, float]:
        """The metrics of the labels that the texts first .. last - 1 were given."""
        batch = self.texts.batch(np.arange(first, last))
        labels = padded(self.given[first:last], batch.gold.shape[1])
        return self.texts.task.metrics(batch.complete(labels), self.texts.space)


def padded(labels: Sequence[IntArray], width: int) -> IntArray:
    """Labels of texts as a matrix [n, width], -1 after the last."""
    out = np.full((len(labels), width), UNDECIDED, np.int32)
    for row, own in enumerate(labels):
        out[row, : len(own)] = own
    return out
