"""Labelings as an environment hands them to a judge: without gold, which the judge has."""

import copy
from dataclasses import replace

import numpy as np

from lingym.rewards import Reward
from lingym.rewards.base import take
from lingym.types import Gold, Labelings, LabelSpace
from tests.rewards.worlds import World

PAIR = LabelSpace(("no", "yes"))


def gold_of(labelings: Labelings) -> Gold:
    """The gold labels of a split in which these texts are once each, and others have no units."""
    assert len(np.unique(labelings.examples)) == len(labelings.examples)
    units = np.zeros(labelings.examples.max(initial=-1) + 1, np.int64)
    units[labelings.examples] = (labelings.gold >= 0).sum(1)
    order = np.argsort(labelings.examples)
    flat = labelings.gold[order]
    bounds = np.concatenate([[0], np.cumsum(units)])
    return Gold(flat[flat >= 0], bounds, labelings.facts)


def hidden(labelings: Labelings) -> Labelings:
    """The labelings without gold."""
    return replace(labelings, gold=np.full_like(labelings.gold, -1), facts={})


def entrusted(reward: Reward, space: LabelSpace, gold: Gold) -> Reward:
    """A reward like this one that knows labels and gold."""
    own = copy.deepcopy(reward)
    own.bind(space)
    own.entrust(gold)
    return own


def draw(world: World, seed: int) -> Labelings:
    """Up to 9 texts of a world, each once."""
    labelings = world.draw(seed, episodes=1 + seed % 9, units=1 + seed % 7)
    first = np.unique(labelings.examples, return_index=True)[1]
    return take(labelings, np.random.default_rng(seed).permutation(first))


def units(labels: object, gold: object) -> tuple[Labelings, Gold]:
    """Complete labelings [B, U] of no or yes beside their gold ones, hidden, and the gold."""
    given, right = (np.array(ids, np.int32) for ids in (labels, gold))
    lengths = (given >= 0).sum(1).astype(np.int32)
    rows = np.arange(len(given), dtype=np.int32)
    labelings = Labelings(given, right, lengths, lengths, rows)
    return hidden(labelings), gold_of(labelings)
