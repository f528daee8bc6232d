"""Why this label: scores of the words of texts for the labels that a policy gives them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch

from lingym.agents.explain.methods import Method, method
from lingym.agents.explain.names import BLANKS, Blank, blank_id, is_nothing, place_of
from lingym.agents.explain.scene import Scene, still
from lingym.envs import Episodes
from lingym.envs.layout import Layout, layout
from lingym.policies import LabelPolicy
from lingym.types import FloatArray, IntArray, LabelSpace, Rows

Which = Literal["labelled", "all"]


@dataclass(frozen=True)
class Attribution:
    """What the words of one text did for some of its labels.

    Attributes:
        row: the text's place in its split.
        layout: its words.
        labels: int32 [U] the labels given to all units, -1 after a label that ended the episode.
        units: int32 [T] the units of the labels that are explained.
        targets: int32 [T] these labels.
        scores: float64 [T, W] what each word did; positive speaks for the label.
        probabilities: float64 [T] of these labels, given the labels before them.
        log_probs: float64 [U, K] of every label of every unit, given the labels before it.
        whole: float64 [T] what the policy says of the text, a log-probability or a score.
        empty: float64 [T] what it says when all words are blank.
        error: float64 [T] how far scores are from summing to whole - empty, where they must; else
            None.
        steps: of an integral.
    """

    row: int
    layout: Layout
    labels: IntArray
    units: IntArray
    targets: IntArray
    scores: FloatArray
    probabilities: FloatArray
    log_probs: FloatArray
    whole: FloatArray
    empty: FloatArray
    error: FloatArray | None = None
    steps: int | None = None


@dataclass(frozen=True)
class Explainer:
    """Explains the labels that a policy gives.

    Attributes:
        policy: the policy; its weights and mode stay as they are.
        method: one of `lingym.agents.explain.METHODS`.
        of: explain the log-probability of a label, given the labels before it, or its logit.
        blank: the token that stands for a word taken away; None: ``mask``, ``pad`` or ``unk``, the
            first that the tokenizer has.
        units: which labels to explain: of units that are ``labelled`` (otherwise than O, no, out;
            where none is, of the unit that the policy is least sure of), or of ``all``.
        tolerance: of integrated gradients: the relative error of their sum that is let pass.
        seed: of the method ``random``.
        budget: padded tokens that are encoded at a time.
    """

    policy: LabelPolicy
    method: Method = "integrated-gradients"
    of: Literal["log-probability", "logit"] = "log-probability"
    blank: Blank | None = None
    units: Which = "labelled"
    tolerance: float = 0.01
    seed: int = 0
    budget: int = 8192

    def __post_init__(self) -> None:
        """Refuse what no explanation can be.

        Raises:
            ValueError: a name is not known, or a number cannot be.
        """
        method(self.method)
        for name, value, known in (
            ("of", self.of, ("log-probability", "logit")),
            ("units", self.units, ("labelled", "all")),
            ("blank", self.blank, (None, *BLANKS)),
        ):
            if value not in known:
                raise ValueError(
                    f"{name} must be one of {', '.join(map(str, known))}, got {value!r}"
                )
        if not 0 < self.tolerance < 1:
            raise ValueError(f"tolerance must be between 0 and 1, got {self.tolerance}")
        if self.budget < 1:
            raise ValueError(f"budget must be 1 or more, got {self.budget}")

    def explain(
        self,
        episodes: Episodes,
        rows: Rows | Sequence[int] | None = None,
        label: str | None = None,
    ) -> Iterator[Attribution]:
        """The attributions of texts, one after another.

        Args:
            episodes: the texts, such as ``labeller.read(records, unlabelled=True)`` gives.
            rows: their places; None takes all.
            label: explain this label of the units, given or not, instead of those that were given.

        Raises:
            ValueError: the label is not known.
        """
        for row in range(len(episodes)) if rows is None else rows:
            scene, log_probs = self.scene(episodes, int(row), label)
            with still(self.policy):
                found = method(self.method, self.seed, self.tolerance)(scene)
                every = np.ones((len(scene.units), len(scene.layout.words)), np.bool_)
                which = np.arange(len(scene.units))
                whole, empty = scene.values(every, which), scene.values(~every, which)
            yield Attribution(
                int(row),
                scene.layout,
                scene.labels,
                scene.units,
                scene.targets,
                found.scores,
                np.exp(log_probs[scene.units, scene.targets]),
                log_probs,
                whole,
                empty,
                found.error,
                found.steps,
            )

    def scene(
        self, episodes: Episodes, row: int, label: str | None = None
    ) -> tuple[Scene, FloatArray]:
        """A text with the labels that the policy gives it, and their log-probabilities [U, K]."""
        batch, policy = episodes.batch([row]), self.policy
        with torch.no_grad(), still(policy):
            distribution = policy.distribution(policy.features(policy.texts(batch)), batch)
            given = distribution.mode()
            log_probs = distribution.log_probs(given)[0].cpu().numpy().astype(np.float64)
        labels = given[0].cpu().numpy().astype(np.int32)
        units = self._units(labels, log_probs, episodes.space)
        targets = labels[units]
        if label is not None:
            targets = np.full_like(targets, place_of(episodes, row, label))
        scene = Scene(
            *(policy, batch, layout(episodes, row), labels, units, targets),
            blank=blank_id(episodes.encoding.units.tokenizer, self.blank),
            logit=self.of == "logit",
            budget=self.budget,
        )
        return scene, log_probs

    def _units(self, labels: IntArray, log_probs: FloatArray, space: LabelSpace) -> IntArray:
        """The units whose labels are explained."""
        there = np.flatnonzero(labels >= 0)
        said = there
        if self.units == "labelled" and space.form != "candidates":
            empty = np.array([is_nothing(name) for name in space.names])
            said = there[~empty[labels[there]]]
            if not len(said):
                said = there[[log_probs[there, labels[there]].argmin()]]
        return said.astype(np.int32)
