"""What confusions, units and steps cost."""

import csv
import pickle
import re
from dataclasses import replace

import numpy as np
import pytest

from lingym.rewards import CostMatrix, LengthCost, StepCost, from_spec
from lingym.types import DataError, LabelSpace

NAMES = ("negative", "neutral", "positive")
SPACE = LabelSpace(NAMES)


def bound(reward):
    reward.bind(SPACE)
    return reward


def test_each_confusion_has_its_price(labelings):
    one = labelings(
        [["positive", "negative", "neutral", "positive"]],
        [["negative", "negative", "positive", "neutral"]],
        NAMES,
    )
    costs = {"negative": {"positive": 5.0, "negative": -0.5}, "neutral": {"positive": 0}}
    reward = bound(CostMatrix(costs=costs, default=2.0, right=-1.0))
    np.testing.assert_array_equal(reward.steps(one), [[-5, 0.5, -2, 0]])
    assert reward.score(one) == [-6.5]
    assert bound(CostMatrix(costs=costs, default=2.0, mean=True)).score(one) == [-6.5 / 4]
    table = reward.table(one, 3)
    np.testing.assert_array_equal(table[0, 0], [0.5, -2, -5])  # gold: negative
    np.testing.assert_array_equal(table[0, 2], [-2, -2, 1])  # gold: positive


def test_by_default_it_counts_what_is_wrong(random_labelings):
    many = random_labelings(0, 3, episodes=50, units=6)
    wrong = ((many.labels != many.gold) & (many.gold >= 0)).sum(1)
    np.testing.assert_array_equal(bound(CostMatrix()).score(many), -1.0 * wrong)


@pytest.mark.parametrize("mean", [False, True])
def test_equals_a_plain_sum(mean, random_labelings, names_of):
    rng = np.random.default_rng(1)
    costs = {g: {p: float(rng.normal()) for p in NAMES} for g in NAMES}
    many = random_labelings(2, 3, episodes=80, units=7)
    score = bound(CostMatrix(costs=costs, mean=mean)).score(many)
    for ours, given, gold in zip(score, *names_of(many, NAMES), strict=True):
        total = sum(costs[g][p] for g, p in zip(gold, given, strict=True))
        assert ours == pytest.approx(-total / (len(gold) if mean else 1), abs=1e-13)


def test_a_unit_without_gold_costs_nothing(labelings):
    one = labelings([["positive", "neutral"]], [["negative", "neutral"]], NAMES)
    one.gold[0, 0] = -1
    assert bound(CostMatrix()).score(one) == [0.0]
    assert bound(CostMatrix(right=1.0, mean=True)).score(one) == [-1.0]


@pytest.fixture
def written(tmp_path):
    """A file of costs with a name that holds a comma and cells that are empty."""

    def write(rows: list[list[object]]) -> str:
        path = tmp_path / "costs.csv"
        with path.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows(rows)
        return str(path)

    return write


def test_a_file_of_costs(written, labelings):
    path = written([["", "positive", "a, b"], ["negative", 5, ""], ["a, b", " 0.5 ", -1]])
    names = ("a, b", "negative", "positive")
    many = labelings(
        [["positive", "a, b", "positive", "a, b", "negative"]],
        [["negative", "negative", "a, b", "a, b", "negative"]],
        names,
    )
    reward = CostMatrix.from_file(path, default=2.0)
    reward.bind(LabelSpace(names))
    np.testing.assert_array_equal(reward.steps(many), [[-5, -2, -0.5, 1, 0]])
    again = from_spec(str(reward))
    assert str(reward) == f"cost_matrix(default=2.0, file={path!r})"
    again.bind(LabelSpace(names))
    np.testing.assert_array_equal(again.steps(many), reward.steps(many))
    np.testing.assert_array_equal(
        pickle.loads(pickle.dumps(reward)).steps(many), reward.steps(many)
    )


@pytest.mark.parametrize(
    ("rows", "line", "text"),
    [
        ([], 1, "wanted a row of given labels and a row for each gold label"),
        ([["", "a"]], 1, "wanted a row of given labels"),
        ([["", "a", "a"], ["a", 1, 1]], 1, "found a second column for 'a'"),
        ([["", "a", ""], ["a", 1, 1]], 1, "found a column without a name"),
        ([["", "a"], ["b", 1], ["b", 1]], 3, "found a second row for 'b'"),
        ([["", "a"], ["", 1]], 2, "found a row without a name"),
        ([["", "a", "b"], ["b", 1]], 2, "found 1 costs for the gold label 'b': wanted 2"),
        ([["", "a"], ["a", 1], ["b", 1, 2]], 3, "found 2 costs for the gold label 'b': wanted 1"),
        ([["", "a"], ["b", "much"]], 2, "the cost of 'a' is 'much': wanted a finite number"),
        ([["", "a"], ["b", "nan"]], 2, "the cost of 'a' is 'nan'"),
        ([["", "a"], ["b", "inf"]], 2, "the cost of 'a' is 'inf'"),
    ],
)
def test_a_file_that_holds_something_else(rows, line, text, written):
    path = written(rows)
    with pytest.raises(DataError) as caught:
        CostMatrix.from_file(path)
    assert str(caught.value).startswith(f"{path}:{line}: {text}")
    with pytest.raises(ValueError, match=f"reward .*cost_matrix.*: {re.escape(path)}:{line}: "):
        from_spec(f"cost_matrix(file={path!r})")


def test_a_file_that_cannot_be_read(tmp_path):
    with pytest.raises(ValueError, match=r"none\.csv: cannot be read \(No such file"):
        CostMatrix.from_file(tmp_path / "none.csv")
    (tmp_path / "latin.csv").write_bytes(b",\xe9\na,1\n")
    with pytest.raises(DataError, match=r"latin\.csv:1: wanted UTF-8 text"):
        CostMatrix.from_file(tmp_path / "latin.csv")
    (tmp_path / "latin.csv").write_bytes(b",a\na,1\n\xe9,1\n")
    with pytest.raises(DataError, match=r"latin\.csv:3: wanted UTF-8 text"):
        CostMatrix.from_file(tmp_path / "latin.csv")
    (tmp_path / "quotes.csv").write_text(',a\na,1\nb,"1"2\n')
    with pytest.raises(DataError, match=r"quotes\.csv:3: wanted a CSV file"):
        CostMatrix.from_file(tmp_path / "quotes.csv")


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: CostMatrix(costs={}, file="x.csv"), "has costs and a file: wanted one of them"),
        (lambda: CostMatrix(default=np.inf), "default is inf: wanted a finite number"),
        (lambda: CostMatrix(right="0"), "right is '0': wanted a finite number"),
        (lambda: CostMatrix(costs=[1]), r"costs is \[1\]: wanted numbers by gold and given label"),
        (lambda: CostMatrix(costs={"a": 1}), r"costs\['a'\] is 1: wanted numbers by gold and"),
        (lambda: CostMatrix(costs={"a": {"b": True}}), r"costs\['a'\]\['b'\] is True: wanted a f"),
        (lambda: CostMatrix(costs={"a": {"b": np.nan}}), r"costs\['a'\]\['b'\] is nan"),
        (
            lambda: bound(CostMatrix(costs={"negative": {"postive": 5.0}, "bad": {}})),
            "costs are for 'bad', 'postive', and the task's labels are negative, neutral, positive",
        ),
        (lambda: LengthCost(price=np.inf), "price is inf: wanted a finite number"),
        (lambda: StepCost(price=np.nan), "price is nan: wanted a finite number"),
        (lambda: LengthCost(labels="in"), "labels is 'in': wanted a tuple"),
        (lambda: LengthCost(free=["O"]), r"free is \['O'\]: wanted a tuple"),
        (lambda: LengthCost(labels=("a",), free=("b",)), "has labels that cost and free ones"),
        (lambda: bound(LengthCost(labels=("in",))), "label 'in' is none of the task's: negative"),
        (lambda: bound(LengthCost(free=("O",))), "label 'O' is none of the task's: negative"),
    ],
)
def test_settings_that_make_no_sense(make, text):
    with pytest.raises(ValueError, match=text):
        make()


def test_an_unknown_label_in_a_file_names_the_file(written):
    path = written([["", "positive"], ["dreadful", 1]])
    with pytest.raises(ValueError, match=r"costs in .*costs\.csv are for 'dreadful', and the task"):
        bound(CostMatrix.from_file(path))


def test_length_and_steps_are_priced_without_gold(labelings):
    one = labelings([["neutral", "positive", "positive"]], [["neutral"] * 3], NAMES)
    one.gold[:] = -1
    for reward, steps in [
        (LengthCost(), [-0.1, -0.1, -0.1]),
        (LengthCost(labels=("positive",), price=2), [0, -2, -2]),
        (LengthCost(free=("positive",), price=-1.0), [1, 0, 0]),
        (StepCost(price=0.5), [-0.5, -0.5, -0.5]),
    ]:
        assert not bound(reward).needs_gold
        np.testing.assert_allclose(reward.steps(one), [steps])
        np.testing.assert_allclose(reward.score(one), [sum(steps)], rtol=1e-15)
    assert CostMatrix().needs_gold
    assert (LengthCost() + CostMatrix()).needs_gold
    assert not (LengthCost() + StepCost()).needs_gold


def test_without_gold_a_stopped_episode_has_no_table(labelings):
    names = ("in", "out", "stop")
    one = labelings([["in", "stop"]], [["in", "out"]], names)
    for reward in (LengthCost(labels=("in",)), StepCost()):
        reward.bind(LabelSpace(names, stop=2))
        assert reward.table(one, 3).shape == (1, 2, 3)
        assert reward.table(replace(one, gold=np.full_like(one.gold, -1)), 3) is None


def test_hidden_gold_leaves_the_table_as_it_is(labelings):
    one = labelings([["neutral", "positive"], ["neutral"]], [["neutral"] * 2, ["positive"]], NAMES)
    for reward in (LengthCost(labels=("positive",)), StepCost()):
        seen = bound(reward).table(one, 3)
        one.gold[:] = -1
        np.testing.assert_array_equal(reward.table(one, 3), seen)
