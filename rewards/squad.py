"""SQuAD's measures of an answer that is a span of the text."""

from dataclasses import dataclass

import numpy as np

from lingym.rewards.answers import Answers, normalize_answer
from lingym.rewards.base import Reward
from lingym.types import FloatArray, Labelings, LabelSpace


@dataclass(eq=False)
class SquadF1(Reward):
    """F1 of the answer's tokens against the best gold answer, with SQuAD's normalisation.

    The two units are the first and the last candidate of the answer. With m tokens common to p
    predicted and g gold ones, the score is 2 m / (p + g). Where the question has no answer, "no
    answer" is worth 1 and every other answer 0; candidates that are no span are worth 0 always.

    Attributes:
        exact: score 1 for an answer that equals a gold one after normalisation, else 0.
    """

    exact: bool = False
    name = "squad_f1"

    def bind(self, space: LabelSpace) -> None:
        """Take the task.

        Raises:
            ValueError: the task's two units are not the ends of a span of candidates.
        """
        super().bind(space)
        if space.form != "candidates" or len(space.roles) != 2:
            raise ValueError(
                f"reward {self.name} scores spans: wanted two units, the first and the last "
                f"candidate, and found form {space.form} with the roles {list(space.roles)}"
            )

    def score(self, labelings: Labelings) -> FloatArray:
        """F1 (or exact match) of each answer, float64 [B] in [0, 1]; 0 until it is complete."""
        _ = self.space  # an error with words where bind was forgotten
        answers: Answers = self.fact(labelings, "answers")
        return answers.of(labelings)[:, int(self.exact)]


def squad_metrics(labelings: Labelings) -> dict[str, float]:
    """SQuAD's scores of a corpus, as fractions.

    Args:
        labelings: complete ones, with the fact ``answers``.

    Returns:
        ``f1`` and ``exact_match``, means over the questions. Where some have an answer and some
        have none, also ``f1_answerable``, ``exact_match_answerable``, ``f1_unanswerable`` and
        ``exact_match_unanswerable``.

    Raises:
        ValueError: there is no question, or one has no label.
    """
    answers: Answers = labelings.facts["answers"]
    if not len(labelings.examples):
        raise ValueError("there is nothing to measure: no question")
    open_ = (labelings.decided < 2) | (labelings.labels[:, :2] < 0).any(1)
    if open_.any():
        example = labelings.examples[open_.argmax()]
        raise ValueError(f"example {example} has no answer yet: wanted a start and an end")
    scores = answers.of(labelings)
    metrics = {"f1": float(scores[:, 0].mean()), "exact_match": float(scores[:, 1].mean())}
    answerable = np.array([_answerable(answers, example) for example in labelings.examples])
    if answerable.all() or not answerable.any():
        return metrics
    for sort, rows in (("answerable", answerable), ("unanswerable", ~answerable)):
        f1, exact = scores[rows].mean(0)
        metrics |= {f"f1_{sort}": float(f1), f"exact_match_{sort}": float(exact)}
    return metrics


def _answerable(answers: Answers, example: int) -> bool:
    """Whether a gold answer has anything left after normalisation."""
    return any(normalize_answer(answer) for answer in answers.gold[example])
