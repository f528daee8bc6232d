"""A labeller that goes on learning while it serves: labels now, feedback later.

Sizes: B episodes, U units, K labels.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lingym.agents.guard import Guard, NonFiniteError, NotFinite, all_finite, wrong
from lingym.agents.labeller import Labeller
from lingym.agents.losses import leave_one_out, returns_to_go
from lingym.agents.online_loss import online_loss
from lingym.agents.online_settings import OnlineSettings
from lingym.agents.out_of_memory import Begun, Part, TextTooLarge, accumulated, halving
from lingym.agents.replay import (
    Reservoir,
    Shown,
    Together,
    alone,
    by_unit,
    together,
)
from lingym.agents.update_parts import taken
from lingym.envs import Episodes
from lingym.envs.corpora import Record
from lingym.policies import LabelPolicy, frozen_copy
from lingym.types import FloatArray, Rows

CHUNK = 32  # texts that are encoded at a time


class OnlineLearner:
    """Labels texts as they come, and learns from feedback on its labels when that comes.

    An update takes `batch_size` new feedbacks and replays old ones. New labels have PPO's clipped
    surrogate (Schulman et al., 2017, https://arxiv.org/abs/1707.06347) against the policy that gave
    them, since feedback comes late; where labels were drawn from a sharpened policy, each is
    weighed by p / behaviour, at most `max_weight` (the decoupled objective of Hilton et al., 2022,
    https://arxiv.org/abs/2110.00641). One labelling of a text was shown, so only its own feedback
    is known, and nothing of other labelings.

    Args:
        labeller: what labels; its policy is trained in place.
        settings: how it learns.
        columns: the columns that hold what the task reads, by the names of its class's arguments.

    Attributes:
        labelled: texts labelled so far; the next one's id.
        updates: updates so far.
        given_up: texts that were pushed out while they waited for feedback.
        guard: what happens to a number that is NaN or infinite, and says once that a batch did not
            fit into memory and is halved; it is not saved.
    """

    def __init__(
        self,
        labeller: Labeller,
        settings: OnlineSettings | None = None,
        columns: Mapping[str, Any] | None = None,
    ) -> None:
        self.labeller, self.columns = labeller, dict(columns or {})
        self.settings = settings = settings or OnlineSettings()
        self.labelled = self.updates = self.given_up = 0
        self.mean: float | None = None
        self.guard = Guard()
        self.waiting: dict[int, Shown] = {}
        self.ready: list[Shown] = []
        self.random = np.random.default_rng(settings.seed)
        self.memory: Reservoir[Shown] = Reservoir(settings.memory, self.random)
        self.generator = torch.Generator(self.policy.device)
        self.generator.manual_seed(int(self.random.integers(2**63)))
        self.reference: LabelPolicy | None = None
        if settings.kl_coef:
            self.reference = frozen_copy(self.policy)

    @property
    def policy(self) -> LabelPolicy:
        """What labels, as it is now."""
        return self.labeller.policy

    def label(
        self, texts: Sequence[str | Sequence[str] | Mapping[str, Any] | Record]
    ) -> list[dict[str, Any]]:
        """Label texts.

        Args:
            texts: as `lingym.agents.Labeller.predict` takes them, or records of a corpus, whose
                gold labels are not looked at.

        Returns:
            One dict a text: its ``id``, by which `feedback` names it, and the labels as the task
            presents them; an id that the text had of its own is its ``text_id``.

        Raises:
            DataError: a text is empty, or lacks a column.
            NonFiniteError: the policy's weights are broken; it gives no probabilities.
            TextTooLarge: one text alone does not fit into memory; those before it were labelled.
        """
        records = self.labeller.records(texts)
        episodes = self.labeller.read(records, unlabelled=True, **self.columns)
        shown: list[dict[str, Any]] = []
        for start in range(0, len(episodes), CHUNK):
            rows = np.arange(start, min(start + CHUNK, len(episodes)), dtype=np.int32)
            halving(
                rows,
                lambda own: shown.extend(self._label(episodes, own.tolist())),
                lambda own, error: self._cut(
                    [(self.labelled, int(episodes.token_counts[place])) for place in own], error
                ),
            )
        return shown

    @torch.no_grad()
    def _label(self, episodes: Episodes, places: list[int]) -> list[dict[str, Any]]:
        policy, heat = self.policy, self.settings.temperature
        batch = episodes.batch(places)
        distribution = policy.distribution(policy.features(policy.texts(batch)), batch)
        drawn = distribution
        if heat not in (0, 1):
            step = distribution.transition
            drawn = replace(
                distribution,
                scores=distribution.scores / heat,
                transition=None if step is None else step / heat,
            )
        labels = drawn.sample(1, self.generator)[0] if heat else drawn.mode()
        every = distribution.log_probs(labels)
        own = taken(every, labels)
        behaviour = taken(drawn.log_probs(labels), labels) if heat else torch.zeros_like(own)
        numbers = (own.double().cpu().numpy(), behaviour.double().cpu().numpy())
        chances = every.exp().double().cpu().numpy()
        if not np.isfinite(chances).all():
            raise NonFiniteError(
                "the policy gives no probabilities but NaN, so its weights are no longer finite: "
                "begin again from the last good folder, with a lower learning rate"
            )
        given = labels.cpu().numpy().astype(np.int32)
        shown = []
        for row, place in enumerate(places):
            count = int((given[row] >= 0).sum())
            example, space = episodes.examples[place], episodes.space
            row_labels = given[row, :count].copy()
            presented = episodes.task.present(example, row_labels, space, chances[row, :count])
            named = {"text_id": presented.pop("id")} if "id" in presented else {}
            shown.append({"id": self.labelled, **named, **presented})
            log_probs, drawn_at = (values[row, :count].copy() for values in numbers)
            text = alone(episodes, place)
            self.waiting[self.labelled] = Shown(
                self.labelled, text, row_labels, log_probs, drawn_at
            )
            self.labelled += 1
        while len(self.waiting) > self.settings.pending:
            self.waiting.pop(next(iter(self.waiting)))
            self.given_up += 1
        return shown

    def feedback(self, id: int, rewards: float | Sequence[float] | FloatArray) -> dict[str, float]:
        """Be told what the labels of a text were worth; every `batch_size`-th time, learn.

        Args:
            id: the text's, from `label`.
            rewards: one number for the whole text, or one for each unit that was labelled.

        Returns:
            What an update measured by name; empty where none was due.

        Raises:
            ValueError: no text of this id waits for feedback, or the rewards are not such.
            NonFiniteError: the loss or the gradient is not finite, and the guard does not leave
                such an update out; nothing was learned.
            TextTooLarge: one text alone does not fit into memory; nothing was learned.
        """
        shown = self.waiting.get(id)
        if shown is None:
            raise ValueError(self._unknown(id))
        self.ready.append(replace(shown, rewards=by_unit(rewards, len(shown.labels), id)))
        del self.waiting[id]
        if len(self.ready) < self.settings.batch_size:
            return {}
        return self.update()

    def update(self) -> dict[str, float]:
        """Learn now from the feedback that is there; what was measured, by name."""
        if not self.ready:
            return {}
        new, self.ready = self.ready, []
        old = self.memory.sample(self.settings.replayed)
        log: dict[str, float] = {}
        before = self.mean
        together_ = together([*new, *old], self.policy.device)
        baseline = self._running(together_, len(new))
        try:
            for _ in range(self.settings.n_epochs):
                log = self._pass([*new, *old], together_, len(new), baseline)
        except (NotFinite, TextTooLarge) as error:
            self.mean = before  # what is new is not kept: it would spoil later updates
            if isinstance(error, TextTooLarge):
                raise
            self._refused([*new, *old], error, error.log)
            return {}
        log["reward"] = float(together_.rewards[: len(new)].sum(1).mean())
        for shown in new:
            self.memory.add(shown)
        self.updates += 1
        return log

    def _pass(
        self, shown: Sequence[Shown], texts: Together, new: int, baseline: Tensor
    ) -> dict[str, float]:
        """One step from these texts, in as many parts as memory makes needed; what to log of it.

        Raises:
            NotFinite: the loss or the gradient; no step is taken.
        """

        def begin(part: Part) -> Begun:
            rows: Rows = part.rows
            own = texts
            if len(rows) < len(shown):
                own = together([shown[row] for row in rows], self.policy.device)
            loss, log = self.loss(own, int((rows < new).sum()), baseline[torch.from_numpy(rows)])
            if not math.isfinite(log["loss"]):
                raise NotFinite(f"the loss is not finite ({wrong(log)})", log)

            def backward() -> dict[str, float]:
                loss.backward()
                return {}

            return Begun(backward, lambda: int((own.labels >= 0).sum()), log)

        lengths = np.array([len(each.labels) for each in shown], np.int32)
        sizes = [(each.id, len(each.text.tokens)) for each in shown]
        weights = [w for group in self.policy.optimizer.param_groups for w in group["params"]]
        log, _ = accumulated(
            *(begin, weights, lengths),
            lambda part, error: self._cut([sizes[row] for row in part.rows], error),
        )
        try:
            return {**log, "grad_norm": self._step(weights)}
        except NotFinite as error:
            raise NotFinite(str(error), {**log, **error.log}) from None

    def _cut(self, texts: Sequence[tuple[int, int]], error: BaseException) -> None:
        """Say that texts, their ids and tokens, do not fit together; an error where it is one."""
        if len(texts) > 1:
            self.guard.short_of_memory(len(texts))
            return
        ((id, tokens),) = texts
        raise TextTooLarge(
            f"out of memory on one text alone: text {id}, of {tokens} tokens: leave it out, or "
            f"take a smaller encoder ({error})"
        ) from error

    def loss(self, texts: Together, new: int, baseline: Tensor) -> tuple[Tensor, dict[str, float]]:
        """The loss on texts of which the first `new` are new (see `online_loss`)."""
        return online_loss(self.policy, self.reference, self.settings, texts, new, baseline)

    def _running(self, texts: Together, new: int) -> Tensor:
        """What returns are compared with, [B, 1]: the mean of earlier ones, which is then moved.

        The first texts have none before them: each is compared with the others.
        """
        mask = texts.labels >= 0
        returns = returns_to_go(texts.rewards, self.settings.gamma)
        means = torch.where(mask, returns, 0.0).sum(1) / mask.sum(1)  # [B]
        now, before = float(means[:new].mean()), self.mean
        self.mean = now if before is None else 0.95 * before + 0.05 * now
        if before is not None or new < 2:
            return torch.full_like(means, before or 0.0)[:, None]
        return leave_one_out(means)[:, None]

    def _step(self, weights: Sequence[Tensor]) -> float:
        """The step by the gradient that is there; returns its norm before clipping."""
        optimizer = self.policy.optimizer
        for group in optimizer.param_groups:
            group["lr"] = self.settings.learning_rate
        norm = torch.nn.utils.clip_grad_norm_(weights, self.settings.max_grad_norm)
        if not torch.isfinite(norm):
            raise NotFinite("the gradient is not finite", {"grad_norm": norm.item()})
        optimizer.step()
        return float(norm)

    def _refused(self, shown: Sequence[Shown], error: NotFinite, log: Mapping[str, float]) -> None:
        """Have the guard take note of an update that is left out; it raises where it is to stop."""
        texts = []
        for each in shown:
            names = each.text.space.names
            given = [names[k] if names else int(k) for k in each.labels.tolist() if k >= 0]
            rewards = None if each.rewards is None else each.rewards.tolist()
            texts.append(
                {
                    **{"where": f"text {each.id}", "id": each.id, "text": ""},  # no words are kept
                    **{"tokens": each.text.tokens.tolist(), "given": [given], "rewards": [rewards]},
                }
            )
        for weight in self.policy.parameters():
            weight.grad = None
        what = f"{error} after {self.updates} updates"
        advice = "lower the learning rate, or look at the feedback"
        weights = list(self.policy.parameters())
        self.guard.refuse(what, texts, {"loss": dict(log)}, error, weights, advice)

    def _unknown(self, id: int) -> str:
        """Why no text of this id waits for feedback."""
        if type(id) is not int or not 0 <= id < self.labelled:
            return f"no text has the id {id!r}: {self.labelled} were labelled, from 0 on"
        if self.given_up and id < min(self.waiting, default=self.labelled):
            return (
                f"text {id} had its feedback, or was given up: at the most "
                f"{self.settings.pending} texts wait for feedback (pending)"
            )
        return f"text {id} had its feedback already"

    def save(self, folder: str | Path) -> None:
        """Write everything into a folder: the model, which `Labeller.load` reads, and the rest.

        Raises:
            NonFiniteError: the policy's weights are broken; what was in the folder stays.
        """
        if not all_finite(self.policy.parameters()):
            raise NonFiniteError(
                f"the policy's weights are no longer finite: nothing was written to {folder}"
            )
        from lingym.agents.online_state import save  # which names this class too

        save(self, Path(folder))

    @classmethod
    def load(cls, folder: str | Path, device: str = "auto") -> "OnlineLearner":
        """A learner that goes on exactly where `save` left it.

        Raises:
            ValueError: the folder holds no such learner, or is torn.
        """
        from lingym.agents.online_state import load

        return load(Path(folder), device)
