"""What goes wrong is told in words that name the reward and the episode."""

from dataclasses import replace

import numpy as np
import pytest

from lingym.rewards import (
    F1,
    MCC,
    Accuracy,
    ByKind,
    CostMatrix,
    CrossEntropy,
    EntityF1,
    LengthCost,
    RelationF1,
    Reward,
    RewardError,
    Rouge,
    SampleF1,
    SquadF1,
    WeightedSum,
    checked_score,
    checked_steps,
    from_function,
)
from lingym.types import LabelSpace

AB = LabelSpace(("a", "b"))


@pytest.fixture
def three(labelings):
    return labelings([["a"], ["b", "a"], ["b"]], [["a"], ["b", "b"], ["a"]], AB.names)


class Given(Reward):
    """Gives what the test wants, for every call."""

    name = "given"

    def __init__(self, score: object = None, steps: object = None) -> None:
        self.score = lambda labelings: score
        self.steps = lambda labelings: steps


def message(call, *arguments) -> str:
    with pytest.raises(RewardError) as caught:
        call(*arguments)
    return str(caught.value)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_score_that_is_not_finite(value, three):
    assert message(checked_score, Given(np.array([1.0, value, value])), three) == (
        f"reward given: score of example 1 is {value}"
    )
    steps = np.zeros((3, 2))
    steps[2, 0] = value
    assert message(checked_steps, Given(steps=steps), three) == (
        f"reward given: steps of example 2 is {value}"
    )


@pytest.mark.parametrize(
    ("score", "found"),
    [
        (np.zeros(2), "float64 [2]"),
        (np.zeros((3, 1)), "float64 [3, 1]"),
        (np.zeros(3, np.float32), "float32 [3]"),
        (np.zeros(3, np.int64), "int64 [3]"),
        ([0.0, 0.0, 0.0], "list"),
        (0.0, "float"),
        (None, "NoneType"),
    ],
)
def test_a_score_that_is_no_array_of_scores(score, found, three):
    assert message(checked_score, Given(score), three) == (
        f"reward given: score of examples 0, 1, 2 is {found}: wanted an array float64 [3]"
    )


def test_steps_of_the_wrong_shape(three):
    assert message(checked_steps, Given(steps=np.zeros((3, 3))), three).endswith(
        "is float64 [3, 3]: wanted an array float64 [3, 2]"
    )


def test_a_reward_after_the_last_unit(three):
    steps = np.zeros((3, 2))
    steps[2, 1] = 0.5
    assert message(checked_steps, Given(steps=steps), three) == (
        "reward given: steps rewards a unit after the last of example 2, which has 1"
    )


def test_a_good_reward_passes_through(three):
    np.testing.assert_array_equal(checked_score(Accuracy(), three), [1.0, 0.5, 0.0])
    np.testing.assert_array_equal(checked_steps(Accuracy(), three), [[1, 0], [0.5, 0], [0, 0]])


class Picky(Reward):
    """Fails on batches that hold one example, or more examples than it likes."""

    name = "picky"

    def __init__(self, bad: int = -1, most: int = 99) -> None:
        self.bad, self.most = bad, most

    def score(self, labelings):
        if self.bad in labelings.examples or len(labelings.examples) > self.most:
            raise KeyError("gone")
        return np.zeros(len(labelings.examples))


def test_a_reward_that_raises_names_the_episode(three):
    for call in (checked_score, checked_steps):
        text = message(call, Picky(bad=1), three)
        assert "reward picky: " in text
        assert text.endswith("failed on example 1: KeyError: 'gone'")
    with pytest.raises(RewardError) as caught:
        checked_score(Picky(bad=1), three)
    assert isinstance(caught.value.__cause__, KeyError)


def test_a_reward_that_raises_for_the_batch_only(three):
    assert "on the batch of examples 0, 1, 2, though on none of them alone" in message(
        checked_score, Picky(most=2), three
    )


def test_a_part_of_a_sum_is_named(three):
    nan = Given(np.array([0.0, 0.0, np.nan]))
    assert message(checked_score, Accuracy() + nan, three) == (
        "reward given: score of example 2 is nan"
    )


def test_a_function_that_fails_or_gives_no_number(three):
    def second(predicted, gold):
        return predicted[1]

    reward = from_function(second, name="mine")
    reward.bind(AB)
    assert message(checked_score, reward, three) == (
        "reward mine: failed on example 0: IndexError: list index out of range"
    )
    reward = from_function(lambda predicted, gold: None, name="mine")
    reward.bind(AB)
    assert message(reward.score, three).startswith("reward mine: failed on example 0: TypeError")
    reward = from_function(lambda predicted, gold: float("nan") if len(gold) > 1 else 0.0)
    reward.bind(AB)
    assert message(checked_score, reward, three) == "reward <lambda>: score of example 1 is nan"


@pytest.mark.parametrize(
    "reward",
    [
        EntityF1(),
        EntityF1(dense=True),
        F1(),
        F1(average="macro"),
        MCC(),
        MCC(dense=True),
        CostMatrix(),
        LengthCost(),
        CrossEntropy(),
        RelationF1(),
        Rouge(),
        Rouge(dense=True),
        SampleF1(),
        SampleF1(dense=True),
        SquadF1(),
        ByKind({"a": Accuracy()}),
        from_function(max),
    ],
    ids=repr,
)
def test_bind_forgotten(reward, three):
    for call in (checked_score, checked_steps):
        assert message(call, reward, three).startswith(
            f"reward {reward.name} does not know its labels yet: call bind(LabelSpace(names))"
        )


@pytest.mark.parametrize(
    ("reward", "space", "fact"),
    [
        (Rouge(), LabelSpace(("in", "out")), "references"),
        (SquadF1(), LabelSpace((), form="candidates", roles=("start", "end")), "answers"),
        (RelationF1(), LabelSpace(("A-B(e1,e2)", "Other")), "label_counts"),
    ],
    ids=repr,
)
def test_a_split_that_does_not_know_what_a_reward_needs(reward, space, fact, three):
    reward.bind(space)
    assert message(checked_score, reward, three) == (
        f"reward {reward.name} needs facts['{fact}'] of the split, which has none: it scores "
        "another task"
    )
    other = replace(three, facts={"costs": 1, "answer": 2})
    assert "of the split, which has answer, costs: it" in message(checked_score, reward, other)


def test_the_words_of_an_episode_with_kinds_and_facts(three):
    class Whole(Reward):
        """Wants what a labelling brings along."""

        name = "whole"

        def score(self, labelings):
            assert labelings.facts == {"x": 1} and labelings.kinds.shape == labelings.labels.shape
            raise KeyError(int(labelings.kinds[0, 0]))

    whole = replace(three, kinds=three.gold + 1, facts={"x": 1})
    text = message(checked_score, Whole(), whole)
    assert "failed on example 0: KeyError: 1" in text


def test_bound_to_two_tasks():
    reward = 0.5 * Accuracy() + F1()
    reward.bind(AB)
    reward.bind(LabelSpace(("a", "b")))
    with pytest.raises(ValueError, match=r"already scores labels \['a', 'b'\] and cannot score"):
        reward.bind(LabelSpace(("a", "c")))


@pytest.mark.parametrize("label", ["PER", "B-", "I-", "E-PER", "b-PER", "BPER", "", "o"])
def test_a_label_that_is_no_tag(label):
    with pytest.raises(ValueError, match=f"label '{label}' is not an IOB2 tag"):
        EntityF1().bind(LabelSpace(("B-PER", label, "O")))


def test_tags_that_begin_nothing():
    with pytest.raises(ValueError, match=r"no label begins a span: none of \['I-PER', 'O'\]"):
        EntityF1().bind(LabelSpace(("I-PER", "O")))


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: CrossEntropy(smoothing=0), "smoothing is 0: wanted 0 < smoothing <= 1"),
        (lambda: CrossEntropy(smoothing=1.5), "smoothing is 1.5"),
        (lambda: CrossEntropy(smoothing=np.nan), "smoothing is nan"),
        (lambda: EntityF1(empty=np.nan), "empty is nan: wanted a finite score"),
        (lambda: F1(empty=np.inf), "empty is inf: wanted a finite score"),
        (lambda: F1(average="samples"), "average is 'samples': wanted 'micro', 'macro' or 'weig"),
        (lambda: F1(beta=0), "beta is 0: wanted a finite number over 0"),
        (lambda: EntityF1(beta=np.inf), "beta is inf: wanted a finite number over 0"),
        (lambda: EntityF1(average="mean"), "average is 'mean': wanted 'micro', 'macro' or"),
        (lambda: EntityF1(match="loose"), "match is 'loose': wanted 'strict', 'exact', 'partial'"),
        (lambda: F1(weights={"a": 2.0}), "weights are for average='macro', .* got 'micro'"),
        (lambda: F1(average="macro", weights=("a",)), "weights is .*: wanted numbers by name"),
        (
            lambda: F1(average="macro", weights={"a": -1}),
            "the weight of 'a' is -1: wanted a finite number, 0 or over",
        ),
        (
            lambda: F1(average="macro", weights={"c": 1}).bind(AB),
            "label 'c' is none of the task's: a, b",
        ),
        (
            lambda: EntityF1(average="macro", weights={"B-x": 1}).bind(LabelSpace(("B-x", "O"))),
            "entity type 'B-x' is none of the task's: x",
        ),
        (lambda: MCC(empty=np.nan), "empty is nan: wanted a finite score"),
        (lambda: F1(ignore="O"), r"ignore is 'O': wanted a tuple such as \('O',\)"),
        (lambda: F1(label="O", ignore=("O",)), "label 'O' is also among those to ignore"),
        (lambda: np.inf * Accuracy(), "the weight of reward accuracy is inf: wanted a finite"),
        (lambda: WeightedSum(()), "a weighted sum needs at least one reward"),
        (lambda: F1(label="c").bind(AB), "label 'c' is none of the task's: a, b"),
        (lambda: F1(ignore=("c",)).bind(AB), "label 'c' is none of the task's: a, b"),
    ],
)
def test_settings_that_make_no_sense(make, text):
    with pytest.raises(ValueError, match=text):
        make()


def test_only_rewards_are_added_and_only_numbers_multiply():
    with pytest.raises(TypeError):
        Accuracy() + 1
    with pytest.raises(TypeError):
        Accuracy() * F1()
