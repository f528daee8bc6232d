"""Corpus measures: what is no setting, no label set and no state, in words."""

import numpy as np
import pytest

from lingym.rewards import CorpusF1, CorpusMCC, CorpusRecall, RewardError
from lingym.types import LabelSpace
from tests.rewards.worlds import KINDS, SETS, TAGS, WORLDS


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"unit": "span"}, "unit is 'span': wanted one of entity, label, candidate, relation"),
        ({"average": "samples"}, "average is 'samples': wanted one of micro, macro, weighted"),
        ({"beta": -1.0}, "beta is -1.0: wanted a finite number, at least 0"),
        ({"beta": np.inf}, "beta is inf"),
        ({"half_life": 0}, "half_life is 0: wanted a number of episodes over 0, or None"),
        ({"half_life": np.nan}, "half_life is nan"),
        ({"start": 1.5}, "start is 1.5: wanted 0 <= start <= 1"),
        ({"prior": 0}, "prior is 0: wanted a finite number over 0"),
        ({"ignore": "O"}, r"ignore is 'O': wanted a tuple such as \('O',\)"),
        ({"weights": 2.0}, "weights is 2.0: wanted a dict"),
        ({"weights": {"PER": -1}}, "weights: 'PER' is -1: wanted a number, at least 0"),
        ({"weights": {"PER": "2"}}, "weights: 'PER' is '2'"),
    ],
)
def test_settings(settings, text):
    with pytest.raises(ValueError, match=text):
        CorpusF1(**settings)


@pytest.mark.parametrize(
    ("reward", "space", "text"),
    [
        (
            CorpusF1(),
            KINDS,
            r"of several kinds \(slot, intent\): give each its own measure, as in ",
        ),
        (CorpusF1(unit="entity"), SETS, "reward corpus_f1: label 'no' is not an IOB2 tag"),
        (CorpusF1(unit="relation"), SETS, "label 'no' is no directed relation"),
        (CorpusF1(unit="candidate"), TAGS, "candidates are roles labelled 'yes'; the labels are"),
        (CorpusF1(ignore=("O",)), TAGS, "ignore is .'O',., but it is of no use where entity is"),
        (CorpusF1(unit="label", ignore=("X",)), TAGS, "label 'X' is none of the task's"),
        (CorpusF1(ignore=("a",)), LabelSpace(("a",)), "no label is left to count: all of a are"),
        (CorpusF1(weights={"B-PER": 1}), TAGS, "weights has 'B-PER', which is no type: there are"),
        (CorpusF1(weights={"PER": 0, "LOC": 0}), TAGS, "weights leaves no type"),
        (CorpusRecall(), WORLDS["choices"].space, "reads the names of labels"),
        (CorpusMCC(), LabelSpace(("a",)), "needs two labels or more, of units of one kind; got a"),
        (CorpusMCC(), KINDS, "needs two labels or more, of units of one kind"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_labels(reward, space, text):
    with pytest.raises(ValueError, match=text):
        reward.bind(space)


def test_unbound():
    labelings = WORLDS["tags"].draw(0, episodes=3, units=4)
    for use in ("score", "observe", "counts", "load_state"):
        with pytest.raises(RewardError, match="does not know its labels yet"):
            getattr(CorpusF1(), use)(labelings)
    assert (CorpusF1().state(), CorpusF1().measure()) == ({}, None)


def state(**changes) -> dict:
    counts = {name: [1.0, 2.0] for name in ("right", "given", "gold")}
    return {"types": ["LOC", "PER"], "episodes": 3.0, **counts, **changes}


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        ({}, " have episodes, given, gold, right, types; got nothing"),
        (state(more=1), "got episodes, given, gold, more, right, types"),
        (state(types=["LOC", "ORG"]), "are of LOC, ORG: wanted those of LOC, PER"),
        (state(right=[1.0]), r"right is \[1.0\]: wanted 2 finite numbers of at least 0"),
        (state(gold=[1.0, -1.0]), r"gold is \[1.0, -1.0\]"),
        (state(given=[1.0, np.nan]), r"given is \[1.0, nan\]"),
        (state(episodes=-1.0), "episodes is -1.0: wanted 0 or more"),
    ],
)
def test_states(wrong, text):
    reward = CorpusF1()
    reward.bind(TAGS)
    before = reward.state()
    with pytest.raises(ValueError, match=f"reward corpus_f1: running counts.*{text}"):
        reward.load_state(wrong)
    assert reward.state() == before
    reward.load_state(state())
    assert reward.state() == state()
