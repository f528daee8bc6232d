"""Setting a policy's label head before training: from the names of labels, or from examples."""

from collections.abc import Iterator, Mapping

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor

from lingym.agents.minibatches import by_budget
from lingym.envs import Classification, Episodes, Example, Passage, encode
from lingym.envs.corpora import Record
from lingym.envs.label_names import label_texts, subjects
from lingym.policies import LabelPolicy, Texts
from lingym.policies.head_init import name_rows, prototype_rows
from lingym.types import LabelSpace, Rows

YES = 1
ENOUGH = 256
"""Texts whose features say where features lie."""


@torch.no_grad()
def head_from_names(
    policy: LabelPolicy,
    tokenizer: Tokenizer,
    names: Mapping[str, str] | None = None,
    episodes: Episodes | None = None,
    max_tokens: int = 256,
) -> None:
    """Set the head from what the encoder makes of the labels' names; see `name_rows`.

    A name is read like a text: for whole texts its feature is theirs, for other units the mean over
    its tokens. B-x and I-x both get the row of x, and O zero. Of yes-or-no labels, yes gets the
    row and no zero.

    Args:
        policy: its label head changes, and nothing else.
        tokenizer: of its environment.
        names: the words of each of `lingym.envs.label_names.subjects`; None: the names themselves.
        episodes: texts whose features the rows are fitted to, 256 of them; their labels are not
            looked at. None: the names' own features have to do.
        max_tokens: the longest name.

    Raises:
        ValueError: labels have no names, or not all have words.
    """
    _check(policy)
    space = policy.labels
    about = subjects(space)
    names = label_texts(space) if names is None else names
    lacking = [a for a in about if a is not None and a not in names]
    if lacking:
        raise ValueError(f"no words for the label {lacking[0]!r}: wanted some for each label")
    order = list(dict.fromkeys(a for a in about if a is not None))
    read = dict(
        zip(order, _read(policy, tokenizer, [names[a] for a in order], max_tokens), strict=True)
    )
    nothing = torch.full((policy.width,), torch.nan, device=policy.device)
    meanings = torch.stack([nothing if a is None else read[a] for a in about])
    weight, offset = _zeros(policy)
    choices = _choices(space)
    if space.form == "text":  # one row a role, that of its yes
        choices = [np.arange(len(about))]
    for kind, own in enumerate(choices):
        texts = None if episodes is None else _some(policy, episodes, kind)
        rows, bias = name_rows(meanings[own], texts)
        outputs = own * len(space) + YES if space.form == "text" else own
        weight[outputs], offset[outputs] = rows, bias
    _set(policy, weight, offset)


@torch.no_grad()
def head_from_prototypes(policy: LabelPolicy, episodes: Episodes) -> None:
    """Set the head from the mean feature of each label's units; see `prototype_rows`.

    Args:
        policy: its label head changes, and nothing else.
        episodes: texts with gold labels.

    Raises:
        ValueError: no gold labels, or labels that are each text's own candidates.
    """
    _check(policy)
    space = policy.labels
    subjects(space)  # refuses labels that are candidates
    if not episodes.labelled:
        raise ValueError("prototypes need texts with gold labels, and here are none")
    roles = len(space.roles) if space.form == "text" else 1
    count = roles * len(space)
    total = torch.zeros(count, policy.width, device=policy.device)
    units = torch.zeros(count, device=policy.device)
    for features, inside, gold, _ in _features(policy, episodes, np.arange(len(episodes))):
        known = inside & (gold >= 0)
        if space.form == "text":  # the text's feature counts for each role's label
            features = features.expand(-1, roles, -1)
            gold = gold + len(space) * torch.arange(roles, device=gold.device)
        total.index_add_(0, gold[known], features[known])
        units.index_add_(0, gold[known], units.new_ones(int(known.sum())))
    means = total / units[:, None]  # NaN where a label has no unit
    weight, offset = _zeros(policy)
    for own in _choices(space):
        if units[own].any():
            weight[own], offset[own] = prototype_rows(means[own])
    _set(policy, weight, offset)


def _check(policy: LabelPolicy) -> None:
    if not isinstance(policy.label_head, torch.nn.Linear) or not policy.alone:
        raise ValueError("only a policy with a linear head of its own can be given one")


def _choices(space: LabelSpace) -> list[Rows]:
    """The outputs of the head among which a unit's label is chosen, for each kind or role."""
    if space.kind_of_label is not None:
        return [np.flatnonzero(space.kind_of_label == kind) for kind in range(len(space.kinds))]
    roles = len(space.roles) if space.form == "text" else 1
    return list(np.arange(roles * len(space)).reshape(roles, -1))


def _some(policy: LabelPolicy, episodes: Episodes, kind: int) -> Tensor | None:
    """Features [N, D] of units of a kind of the first texts; None if there are none."""
    found = []
    for features, inside, _, kinds in _features(
        policy, episodes, np.arange(min(ENOUGH, len(episodes)))
    ):
        if policy.labels.form == "text":
            found.append(features[:, 0])
        else:
            found.append(features[inside & (kinds == kind)])
    every = torch.cat(found)
    return every if len(every) else None


def _features(
    policy: LabelPolicy, episodes: Episodes, chosen: Rows
) -> Iterator[tuple[Tensor, Tensor, Tensor, Tensor]]:
    """Features [B, G, D], which of [B, U] are units, gold labels and kinds [B, U], in batches."""
    for rows in by_budget(episodes.token_counts[chosen], 8192):
        batch = episodes.batch(chosen[rows].astype(np.int32))
        gold = torch.from_numpy(batch.gold).long().to(policy.device)
        lengths = torch.from_numpy(batch.lengths).to(policy.device)
        inside = torch.arange(gold.shape[1], device=policy.device) < lengths[:, None]
        kinds = torch.zeros_like(gold)
        if batch.kinds is not None:
            kinds = torch.from_numpy(batch.kinds).long().to(policy.device)
        yield policy.features(policy.texts(batch)), inside, gold, kinds


def _read(policy: LabelPolicy, tokenizer: Tokenizer, texts: list[str], most: int) -> Tensor:
    """The feature of each text, [N, D]."""
    whole = policy.labels.of_text
    examples = []
    for text in texts:
        words = tuple(text.split())
        passage = Passage((text,), special=0, whole=True)
        if not whole:
            passage = Passage(words, (0,) * len(words))
        examples.append(
            Example((text,), None, Record({"text": text}, "label names", ()), (passage,))
        )
    space = LabelSpace(("a", "b"), of_text=whole)
    batch = encode(Classification(), examples, space, tokenizer, most).batch(
        np.arange(len(texts), dtype=np.int32)
    )
    pooling = policy.pooling if whole else "mean"
    return policy.features(Texts.of_batch(batch, pooling, policy.device, 1))[:, 0]


def _zeros(policy: LabelPolicy) -> tuple[Tensor, Tensor]:
    return torch.zeros_like(policy.label_head.weight), torch.zeros_like(policy.label_head.bias)


def _set(policy: LabelPolicy, weight: Tensor, bias: Tensor) -> None:
    policy.label_head.weight.copy_(weight)
    policy.label_head.bias.copy_(bias)
