"""Several trained labellers that label together, by the mean of their probabilities."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lingym.agents.alike import same_tokens
from lingym.agents.labeller import Labeller
from lingym.agents.minibatches import by_budget
from lingym.envs import Episodes, Task
from lingym.envs.corpora import Record
from lingym.policies.distribution import LabelDistribution
from lingym.policies.mixture import Mean, Mixture, shares_of
from lingym.types import UNDECIDED, IntArray, LabelSpace


@dataclass(frozen=True)
class Ensemble:
    """Labels a text by the mean of what several labellers say of it.

    Each member reads the text in its own way: encoders, tokenizers and windows may differ, and so
    may the order of labels. What is averaged is the probability of every label of every unit, given
    the labels before it (`lingym.policies.mixture.Mixture`); the most probable labelling is then
    found under the rules that all members share.

    Attributes:
        labellers: the members; one that was trained for other labels or another task is refused.
        weights: of each member; None weighs all the same.
        mean: of the probabilities (``arithmetic``), or of their logarithms (``geometric``), which
            follows a member that is sure a label is wrong.

    Raises:
        ValueError: the labellers do not go together; the message says why.
    """

    labellers: Sequence[Labeller]
    weights: Sequence[float] | None = None
    mean: Mean = "arithmetic"

    def __post_init__(self) -> None:
        """Refuse labellers that do not go together."""
        if not self.labellers:
            raise ValueError("labellers is empty: give one or more")
        shares_of(len(self.labellers), self.weights)
        for place, other in enumerate(self.labellers[1:], 2):
            fault = _fault(self.labellers[0], other)
            if fault:
                raise ValueError(f"labeller {place} does not go with the first: {fault}")

    @property
    def task(self) -> str | None:
        """The members' task."""
        return self.labellers[0].task

    def predict(
        self, texts: Sequence[str | Sequence[str] | Mapping[str, Any]]
    ) -> list[dict[str, Any]]:
        """Label texts; see `Labeller.predict`. Probabilities are the ensemble's."""
        return list(self.predict_records(self.labellers[0].records(texts)))

    def predict_records(
        self, records: Sequence[Record], **columns: str | None
    ) -> Iterator[dict[str, Any]]:
        """Label records of a corpus; see `Labeller.predict_records`."""
        given: dict[str, Any] = dict(columns)
        read = self.read(records, unlabelled=True, **given)
        first = read[0]
        for start in range(0, len(first), 32):
            rows = np.arange(start, min(start + 32, len(first)), dtype=np.int32)
            together = self.distribution(read, rows)
            with torch.no_grad():
                labels = together.mode()
                chances = together.log_probs(labels).exp().cpu().numpy().astype(np.float64)
            for row, place in enumerate(rows.tolist()):
                own = labels[row].cpu().numpy().astype(np.int32)
                own = own[own >= 0]
                yield first.task.present(
                    first.examples[place], own, first.space, chances[row, : len(own)]
                )

    def evaluate(self, records: Sequence[Record], **columns: Any) -> dict[str, float]:
        """The corpus metrics of labelled records; see `Labeller.evaluate`."""
        read = self.read(records, **columns)
        if not read[0].labelled:
            raise ValueError("cannot evaluate texts without gold labels")
        labelings = read[0].complete(self.label(read))
        return read[0].task.metrics(labelings, read[0].space)

    def read(
        self, records: Sequence[Record], task: Task | None = None, **arguments: Any
    ) -> list[Episodes]:
        """Records as episodes of each member; the first's hold the gold labels that count.

        Args:
            records: rows of a corpus.
            task: reads them; None takes each member's own.
            arguments: of the saved task's class.
        """
        return [labeller.read(records, task, **arguments) for labeller in self.labellers]

    def label(self, read: Sequence[Episodes], budget: int = 8192) -> IntArray:
        """The most probable labels of every text, int32 [E, U], in the first member's numbers.

        Args:
            read: the texts as each member reads them (see `read`).
            budget: padded tokens encoded at a time, by the first member's count.
        """
        first = read[0]
        labels = np.full((len(first), first.max_units), UNDECIDED, np.int32)
        for rows in by_budget(first.token_counts, budget):
            given = self.distribution(read, rows.astype(np.int32)).mode().cpu().numpy()
            labels[rows, : given.shape[1]] = given
        return labels

    @torch.no_grad()
    def distribution(self, read: Sequence[Episodes], rows: IntArray) -> Mixture:
        """The distribution of the labels of some texts.

        Args:
            read: the texts as each member reads them.
            rows: which of them, [B].

        Raises:
            ValueError: the members read different units or candidates.
        """
        members = []
        first = self.labellers[0].policy
        for place, (labeller, episodes) in enumerate(zip(self.labellers, read, strict=True), 1):
            if not np.array_equal(read[0].lengths[rows], episodes.lengths[rows]):
                raise ValueError(f"labeller {place} reads other units than the first")
            if first.labels.form == "candidates" and not np.array_equal(
                read[0].groups[rows], episodes.groups[rows]
            ):
                raise ValueError(f"labeller {place} reads other candidates than the first")
            policy = labeller.policy
            mode = policy.training
            policy.train(False)
            try:
                batch = episodes.batch(rows)
                found = policy.distribution(policy.features(policy.texts(batch)), batch)
            finally:
                policy.train(mode)
            members.append(_in_order(found, policy.labels, first.labels, first.device))
        return Mixture.of(members, self.weights, self.mean)


def _in_order(
    found: LabelDistribution, own: LabelSpace, wanted: LabelSpace, device: torch.device
) -> LabelDistribution:
    """A member's distribution in the order of another's labels, on its device."""

    def at(tensor: Tensor | None) -> Any:
        return None if tensor is None else tensor.to(device)

    scores, transition = found.scores.to(device), at(found.transition)
    if own.roles != wanted.roles and own.form == "text":
        scores = scores[:, [own.roles.index(role) for role in wanted.roles]]
    if own.names != wanted.names:
        order = [own.names.index(name) for name in wanted.names]
        scores = scores[..., order]
        if transition is not None:
            transition = transition[[*order, len(order)]][:, order]
    return replace(
        found,
        scores=scores,
        transition=transition,
        lengths=found.lengths.to(device),
        stop=wanted.stop,
        quota=wanted.quota,
        costs=at(found.costs),
    )


def _fault(first: Labeller, other: Labeller) -> str:
    """Why two labellers do not label together; "" if they do."""
    one, two = first.policy.labels, other.policy.labels
    if first.task != other.task or one.form != two.form:
        return f"its task is {other.task} ({two.form}), and not {first.task} ({one.form})"
    for kind in ("names", "roles"):
        ours, theirs = set(getattr(one, kind)), set(getattr(two, kind))
        if ours != theirs:
            return f"they differ in the labels {', '.join(sorted(ours ^ theirs)[:10])}"
    if dict(first.settings) != dict(other.settings):
        return f"it reads texts with {dict(other.settings)}, and not {dict(first.settings)}"
    if _rules(one) != _rules(two):
        return f"its labels have other rules: {_rules(two)}, and not {_rules(one)}"
    if one.form == "candidates" and first.task != "choice":
        sizes = [(each.max_tokens, each.overflow) for each in (first, other)]
        if not same_tokens(first.tokenizer, other.tokenizer) or sizes[0] != sizes[1]:
            return (
                "candidates are tokens, and the two cut texts into different ones (tokenizer, "
                "max_tokens or overflow)"
            )
    return ""


def _rules(space: LabelSpace) -> dict[str, Any]:
    """What a label space says of labels by their names, whatever their order."""
    owners, quota = space.kind_of_label, space.quota
    return {
        "stop": None if space.stop is None else space.names[space.stop],
        "quota": None if quota is None else (space.names[quota.label], quota.limit, quota.required),
        "kinds": None
        if owners is None
        else {name: space.kinds[kind] for name, kind in zip(space.names, owners, strict=True)},
    }
