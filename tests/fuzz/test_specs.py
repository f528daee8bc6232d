"""Rewards as text, by their grammar: a reward whose text gives it back, or words.

60 texts of each test, or as many as LINGYM_FUZZ says.
"""

import inspect
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lingym.rewards import Reward, from_spec
from lingym.rewards.spec import REWARDS
from tests.fuzz.mutate import count

MUCH = settings(
    max_examples=count(60),
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.large_base_example],
)
ODD = ("None", "True", "-1", "0", "2", "1e999", "-1e999", "9" * 400, "''", "()", "{}", "[]", "...")
WORDS = ("'O'", "'macro'", "'micro'", "'strict'", "'O', 'A'", "'\\ud800'", "'é \\x00'", "b'a'")
MORE = ("{'A': 1.0}", "{'A': {'B': 2}}", "('O',)", "('1', 'l')", "accuracy", "1+2", "1j", "x", "-x")
NUMBERS = st.one_of(
    st.integers(-3, 5),
    st.sampled_from([0.0, 0.1, 0.5, 0.9, 1.0, 2.5, 1e-300, 1e300, 10**40]),
    st.floats(-2, 2, allow_nan=False),
).map(repr)
VALUES = st.one_of(NUMBERS, st.sampled_from((*ODD, *WORDS, *MORE)))
OF_TYPE: dict[Any, st.SearchStrategy[str]] = {
    bool: st.sampled_from(["True", "False"]),
    int: st.integers(-1, 9).map(repr),
    float: st.sampled_from(["0.0", "0.25", "1", "7.5"]),
    str: st.sampled_from(["'O'", "'macro'", "'in'"]),
}
WEIGHTS = st.one_of(
    NUMBERS,
    st.builds("{}({}, {})".format, st.sampled_from(["linear", "cosine", "step"]), NUMBERS, NUMBERS),
)


def settings_of(name: str) -> Mapping[str, inspect.Parameter]:
    return inspect.signature(REWARDS[name], eval_str=True).parameters


def simple(draw: st.DrawFn, name: str, inside: st.SearchStrategy[str]) -> str:
    """A reward with a few of its settings; most of them of the right type."""
    said = []
    for key, setting in settings_of(name).items():
        if setting.annotation is Reward:
            said.append(draw(inside) if draw(st.booleans()) else f"{key}={draw(inside)}")
        elif setting.default is inspect.Parameter.empty or draw(st.integers(0, 3)) == 0:
            fits = OF_TYPE.get(setting.annotation, VALUES)
            said.append(f"{key}={draw(fits if draw(st.integers(0, 4)) else VALUES)}")
    if draw(st.integers(0, 15)) == 0:
        said.append(draw(st.sampled_from(["dense=True", "none=1", "**{}", "*()", "1", "after=3"])))
    return f"{name}({', '.join(said)})" if said else name


@st.composite
def call(draw: st.DrawFn, inside: st.SearchStrategy[str]) -> str:
    return simple(draw, draw(st.sampled_from(sorted(REWARDS))), inside)


@st.composite
def kinds(draw: st.DrawFn, inside: st.SearchStrategy[str]) -> str:
    names = draw(st.lists(st.sampled_from(["slot", "intent", "'a b'", "'é'"]), max_size=3))
    each = [f"{n}={draw(inside)}" if n[0] != "'" else f"**{{{n}: {draw(inside)}}}" for n in names]
    return f"by_kind({', '.join(each)})"


LEAVES = st.sampled_from(
    ["accuracy", "entity_f1(dense=True)", "f1(average='macro')", "mcc", "corpus_f1", "bandit"]
)
SPECS = st.recursive(
    LEAVES,
    lambda inside: st.one_of(
        call(inside),
        kinds(inside),
        st.builds("{}*{}".format, WEIGHTS, inside),
        st.builds("{}*({}+{})".format, WEIGHTS, inside, inside),
        st.builds("{}+{}".format, inside, inside),
        st.builds("{}*{}".format, inside, inside),
    ),
    max_leaves=6,
)


def same(one: Any, other: Any) -> bool:
    """Whether two rewards, or parts of them, are alike in every setting."""
    if isinstance(one, Reward) and type(one) is not type(other):
        return False
    if isinstance(one, Reward) and is_dataclass(one):
        names = [field.name for field in fields(one) if field.init]
        return all(same(getattr(one, name), getattr(other, name)) for name in names)
    if isinstance(one, Reward):
        return one.to_spec() == other.to_spec()
    if isinstance(one, tuple | list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, Mapping):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    return bool(one == other) or repr(one) == repr(other)


@MUCH
@given(SPECS)
def test_a_text_is_a_reward_that_gives_it_back_or_is_refused(text: str) -> None:
    try:
        reward = from_spec(text)
    except ValueError as error:
        assert not isinstance(error, UnicodeError)
        assert str(error).startswith("reward "), error
        return
    written = reward.to_spec()
    again = from_spec(written)
    assert again.to_spec() == written == str(reward)
    assert same(reward, again), (text, written)


@MUCH
@given(SPECS, st.data())
def test_a_text_with_a_fault_is_read_or_refused(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 4)))
    word = data.draw(st.one_of(VALUES, st.text(max_size=3), st.sampled_from("()*+-.,=:'\"[]{}@~#")))
    test_a_text_is_a_reward_that_gives_it_back_or_is_refused.hypothesis.inner_test(  # type: ignore[attr-defined]
        text[:start] + word + text[end:]
    )


def test_most_texts_of_the_grammar_are_rewards() -> None:
    """Else the fuzz would see errors only."""
    read = []

    @settings(MUCH, max_examples=60)
    @given(SPECS)
    def count_read(text: str) -> None:
        try:
            from_spec(text)
        except ValueError:
            return
        read.append(text)

    count_read()
    assert len(set(read)) >= 10
