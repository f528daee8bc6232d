"""Rewards written as text."""

import re
from types import MappingProxyType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lingym.rewards import (
    F1,
    REWARDS,
    Accuracy,
    ByKind,
    CostMatrix,
    CrossEntropy,
    EntityF1,
    LengthCost,
    Linear,
    Rouge,
    WeightedSum,
    describe,
    from_spec,
)


@pytest.mark.parametrize(
    ("text", "reward"),
    [
        ("entity_f1", EntityF1()),
        (" entity_f1() ", EntityF1()),
        ("entity_f1(dense=True, empty=0)", EntityF1(dense=True, empty=0)),
        ("cross_entropy(smoothing=0.05)", CrossEntropy(smoothing=0.05)),
        ('f1(average="macro", ignore=("O",))', F1(average="macro", ignore=("O",))),
        ("f1(label='B-x')", F1(label="B-x")),
        (
            "0.7*entity_f1(dense=True)+0.3*accuracy",
            0.7 * EntityF1(dense=True) + 0.3 * Accuracy(),
        ),
        ("accuracy*2", 2 * Accuracy()),
        ("2*3*accuracy", 6 * Accuracy()),
        ("accuracy + -0.5*f1", Accuracy() + -0.5 * F1()),
        ("rouge(types=('1', 'l'), dense=True)", Rouge(types=("1", "l"), dense=True)),
        (
            "by_kind(slot=0.5*entity_f1(dense=True)+f1, intent=0.5*accuracy)",
            ByKind({"slot": 0.5 * EntityF1(dense=True) + F1(), "intent": 0.5 * Accuracy()}),
        ),
        ("2*by_kind(a=accuracy)+f1", 2 * ByKind({"a": Accuracy()}) + F1()),
        ("by_kind(b=f1, **{'sst-2': accuracy})", ByKind({"b": F1(), "sst-2": Accuracy()})),
        ("by_kind(**{'in': f1, \"a'b\": f1})", ByKind({"in": F1(), "a'b": F1()})),
        ("0.5*(accuracy + 2*f1)", 0.5 * Accuracy() + 1.0 * F1()),
    ],
)
def test_read(text, reward):
    assert repr(from_spec(text)) == repr(reward)
    assert repr(from_spec(str(reward))) == repr(reward)


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("", "reward '' is not an expression"),
        ("0.7*", "reward '0.7*' is not an expression"),
        (
            "0.5*bleu+accuracy",
            "reward '0.5*bleu+accuracy': unknown reward 'bleu': known are "
            + ", ".join(sorted(REWARDS)),
        ),
        ("Accuracy", "unknown reward 'Accuracy'"),
        ("accuracy(dens=True)", "accuracy has no setting 'dens': it has dense"),
        ("accuracy(sparse=True)", "accuracy has no setting 'sparse'"),
        ("entity_f1(_codes=None)", "entity_f1 has no setting '_codes'"),
        ("exact_match(dense=True)", "exact_match has no setting 'dense': it has none"),
        ("exact_match(True)", "give the settings of exact_match by name: it has none"),
        ("by_kind", "by_kind needs a reward for each kind of units, such as by_kind(slot=entity_f"),
        ("by_kind()", "by_kind needs a reward for each kind of units"),
        ("by_kind(f1)", "give the rewards of by_kind by the kind of units, such as slot=entity_f1"),
        ("by_kind(a=0.5)", "by_kind: a is 0.5, not a reward"),
        ("by_kind(a=bleu)", "unknown reward 'bleu'"),
        ("by_kind(a=f1, **{'a': f1})", "by_kind has two rewards for a"),
        ("by_kind(**f1)", "by_kind: f1 does not name kinds"),
        ("by_kind(**{1: f1})", "by_kind: 1 is not the name of a kind"),
        ("by_kind(**{**f1})", "by_kind: ** is not the name of a kind"),
        ("accuracy(True)", "give the settings of accuracy by name, such as dense=..."),
        ("accuracy(dense='no')", "accuracy: dense is 'no', not True or False"),
        ("accuracy(dense=yes)", "accuracy: dense is yes, not a plain value"),
        ("accuracy(**{'dense': True})", "accuracy has no setting None"),
        ("cross_entropy(smoothing=2)", "reward 'cross_entropy(smoothing=2)': smoothing is 2"),
        ("cross_entropy(smoothing='x')", "reward \"cross_entropy(smoothing='x')\": "),
        ("0.5", "reward '0.5' is a number, not a reward"),
        ("accuracy+1", "accuracy + 1 adds a number"),
        ("accuracy*f1", "accuracy * f1 multiplies two rewards"),
        ("accuracy-f1", "accuracy - f1 is no reward, number, sum or product"),
        ("1e999*accuracy", "the weight of reward accuracy is inf"),
        ("True*accuracy", "True is no reward, number, sum or product"),
        ("__import__('os').getcwd()", "is no reward, number, sum or product"),
        ("accuracy.__class__", "is no reward, number, sum or product"),
    ],
)
def test_refused(text, cause):
    with pytest.raises(ValueError) as caught:
        from_spec(text)
    assert cause in str(caught.value)
    assert repr(text) in str(caught.value)


@given(st.text("af1c(ur)y+*.5,='_ -\0", max_size=20))
def test_no_text_gives_anything_but_a_reward_or_a_value_error(text):
    try:
        reward = from_spec(text)
    except ValueError:
        return
    assert repr(from_spec(str(reward))) == repr(reward)


def test_every_named_reward_is_described_and_can_be_made_or_says_what_it_needs():
    assert list(describe()) == list(REWARDS) == sorted(REWARDS)
    for name, line in describe().items():
        try:
            assert str(from_spec(name)) == name
        except ValueError as error:
            needs = f"{name} (needs a |needs [a-z]+=|stands around a reward|holds 2 rewards)"
            assert re.search(needs, str(error))
        assert line.endswith(".") and len(line) > 20


@pytest.mark.parametrize(
    ("reward", "text"),
    [
        (LengthCost(price=np.float64(0.5)), "length_cost(price=0.5)"),
        (Linear(np.float64(1), np.float64(0.5)) * Accuracy(), "linear(1.0, 0.5)*accuracy"),
        (F1(ignore=(np.str_("O"),)), "f1(ignore=('O',))"),
        (
            F1(average="macro", weights={np.str_("PER"): np.float64(2)}),
            "f1(average='macro', weights={'PER': 2.0})",
        ),
        (
            CostMatrix(costs={"a": MappingProxyType({"b": np.float64(2)})}),
            "cost_matrix(costs={'a': {'b': 2.0}})",
        ),
    ],
)
def test_settings_that_come_from_numpy_are_written_as_plain_ones(reward, text):
    assert str(reward) == text == str(from_spec(text))


def test_a_sum_inside_a_sum_is_written_in_brackets():
    reward = WeightedSum(((2.0, 0.5 * Accuracy() + 0.3 * F1()), (1.0, EntityF1())))
    assert str(reward) == "2.0*(0.5*accuracy+0.3*f1)+1.0*entity_f1"
    assert str(from_spec(str(reward))) == "1.0*accuracy+0.6*f1+1.0*entity_f1"
    assert repr(reward).startswith("2.0 * (0.5 * Accuracy(dense=True) + 0.3 * F1(")


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("abstain(accuracy, price='x')", "abstain: price is 'x', not a number"),
        ("abstain(accuracy, price=True)", "abstain: price is True, not a number"),
        ("abstain(accuracy, answers=1.5)", "abstain: answers is 1.5, not a whole number or None"),
        ("noisy(bandit, seed=0.5)", "noisy: seed is 0.5, not a whole number"),
        ("f1(label=3)", "f1: label is 3, not text or None"),
        ("corpus_f1(half_life='a')", "corpus_f1: half_life is 'a', not a number or None"),
        ("entity_f1(beta=None)", "entity_f1: beta is None, not a number"),
    ],
)
def test_a_setting_of_another_type_is_refused_by_its_name(text, cause):
    with pytest.raises(ValueError, match=re.escape(cause)):
        from_spec(text)
