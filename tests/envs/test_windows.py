"""Windows: every unit has one, stands whole in it, and has as much text around it as can be."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lingym.envs import Classification, Dataset, LabelEnv, Tagging, build, load_corpus
from lingym.envs.tokenizer import Pieces, UnitTokenizer
from lingym.envs.windows import Window, cut, cut_text
from lingym.types import DataError

Write = Callable[[str, str], str]


@st.composite
def texts(draw: st.DrawFn) -> tuple[list[int], int]:
    """The number of tokens of each unit, and a size that takes each of them alone."""
    sizes = draw(st.lists(st.integers(1, 7), min_size=1, max_size=40))
    return sizes, draw(st.integers(max(sizes), 24))


def pieces_of(sizes: list[int]) -> Pieces:
    units = np.repeat(np.arange(len(sizes)), sizes).tolist()
    return Pieces([1000 + place for place in range(sum(sizes))], units)


def margin(window: Window, first: int, last: int, total: int) -> float:
    """Tokens of context around tokens first .. last - 1: the text's own ends cut nothing off."""
    if first < window.start or last > window.end:
        return -1
    left = np.inf if window.start == 0 else first - window.start
    right = np.inf if window.end == total else window.end - last
    return min(left, right)


def check_cut(sizes: list[int], size: int, windows: list[Window]) -> None:
    """All that `cut` promises, by brute force."""
    total = sum(sizes)
    ends = np.cumsum(sizes)
    for place in ([w.start for w in windows], [w.end for w in windows]):
        assert place == sorted(set(place))  # every window goes on, and lets a new unit in
    for window in windows:
        assert 0 <= window.start < window.end <= total
        assert window.end - window.start <= size
        assert len(window.units) == window.end - window.start
    for unit, (count, last) in enumerate(zip(sizes, ends, strict=True)):
        first = last - count
        owners = [window for window in windows if unit in window.units]
        assert len(owners) == 1
        owned = np.flatnonzero(np.array(owners[0].units) == unit) + owners[0].start
        assert owned.tolist() == list(range(first, last))
        margins = [margin(window, first, last, total) for window in windows]
        assert margin(owners[0], first, last, total) == max(margins)


@given(text=texts())
@settings(max_examples=300, deadline=None, derandomize=True)
def test_cut(text: tuple[list[int], int]) -> None:
    sizes, size = text
    windows = cut(pieces_of(sizes), size)
    check_cut(sizes, size, windows)
    if sum(sizes) <= size:
        assert windows == [Window(0, sum(sizes), pieces_of(sizes).units)]


def test_neighbours_share_about_a_quarter() -> None:
    windows = cut(pieces_of([1] * 100), 20)
    assert [(w.start, w.end) for w in windows[:3]] == [(0, 20), (15, 35), (30, 50)]
    assert windows[0].units == [*range(18), -1, -1]
    assert windows[1].units == [-1, -1, -1, *range(18, 33), -1, -1]
    assert len(windows) < 100 / 15 + 1


def test_the_oracle_finds_faults() -> None:
    sizes, size = [1] * 30, 10
    good = cut(pieces_of(sizes), size)
    check_cut(sizes, size, good)
    first, second, *rest = good
    place = second.units.index(next(unit for unit in second.units if unit >= 0))
    stolen = [-1 if k == place else unit for k, unit in enumerate(second.units)]
    given_away = [*first.units]
    given_away[second.start + place - first.start] = second.units[place]
    lost = [first, Window(second.start, second.end, stolen), *rest]
    less_central = [Window(first.start, first.end, given_away), *lost[1:]]
    for wrong in (lost, less_central, [first, first, *good[1:]]):
        with pytest.raises(AssertionError):
            check_cut(sizes, size, wrong)


@given(sizes=st.lists(st.integers(1, 40), min_size=1, max_size=12), size=st.integers(1, 16))
@settings(max_examples=300, deadline=None, derandomize=True)
def test_units_longer_than_a_window_are_read_in_parts(sizes: list[int], size: int) -> None:
    """Every token is read, belongs to its unit, and does so in exactly one window."""
    windows = cut(pieces_of(sizes), size)
    owned = []
    for window in windows:
        assert 0 < window.end - window.start <= size
        owned += [(window.start + k, unit) for k, unit in enumerate(window.units) if unit >= 0]
    assert sorted(owned) == list(enumerate(pieces_of(sizes).units))
    if max(sizes) <= size:
        check_cut(sizes, size, windows)


@given(total=st.integers(1, 200), size=st.integers(1, 50))
@settings(max_examples=300, deadline=None, derandomize=True)
def test_cut_text(total: int, size: int) -> None:
    windows = cut_text(Pieces([0] * total, [0] * total), size)
    assert {token for w in windows for token in range(w.start, w.end)} == set(range(total))
    assert all(w.end - w.start == min(size, total) for w in windows[:-1])
    assert 0 < windows[-1].end - windows[-1].start <= size
    assert all(w.units == [0] * (w.end - w.start) for w in windows)
    assert len(windows) <= 1 + -(-(total - 1) // max(1, size - size // 4))


# End to end: a long text through the environment.

LONG = [f"{word} {tag}" for word, tag in zip("!?.,;:+=" * 8, "OONONNOO" * 8, strict=True)]


def long_corpus(write: Write) -> str:
    """One text of 64 words of one to three tokens (each sign is one), and a short one."""
    rows = [f"{word[0] * (1 + place % 3)}{word[1:]}" for place, word in enumerate(LONG)]
    return write("long.conll", "\n".join(rows) + "\n\nabc N\nx O\n")


def built(write: Write, **given: object) -> Dataset:
    corpus = load_corpus(train=long_corpus(write))
    return build(Tagging(), corpus, max_tokens=12, **given)  # type: ignore[arg-type]


def test_tagging_a_long_text_covers_every_word_once(
    write: Write, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("WARNING", "lingym"):
        data = built(write)
    assert "1 of 2 texts are longer than 12 tokens" in caplog.text
    env = LabelEnv(dataset=data)
    words = data["train"].words[0]
    assert {len(word) for word in words} == {1, 2, 3}
    alone = UnitTokenizer(data.tokenizer)
    observation, _ = env.reset(options={"example": 0})
    space = env.observation_space["input_ids"]  # type: ignore[index]
    assert space.tokens == 12
    assert space.windows == data["train"].max_windows > 5
    ids, mask, units = (
        observation[name].reshape(space.windows, 12)
        for name in ("input_ids", "attention_mask", "unit_of_token")
    )
    assert (ids[:, 0] == alone.prefix[0]).all()
    assert all(row[m == 1][-1] == alone.suffix[0] for row, m in zip(ids, mask, strict=True))
    for unit, word in enumerate(words):
        windows, _ = np.nonzero(units == unit)
        assert len(set(windows)) == 1
        tokens = ids[units == unit].tolist()
        assert len(tokens) == len(word)
        assert tokens == alone([[word]])[0].ids
    assert set(units.flat) == {-1, *range(64)}
    short, _ = env.reset(options={"example": 1})
    assert short["attention_mask"].sum() == 4  # two words and two special tokens
    assert short["unit_of_token"].tolist() == [-1, 0, 1, *[-1] * (12 * space.windows - 3)]
    assert (short["input_ids"][4:] == alone.pad).all()


def test_a_text_that_fits_is_the_same_in_any_size(write: Write) -> None:
    corpus = load_corpus(train=long_corpus(write))
    tight, wide = build(Tagging(), corpus, max_tokens=12), build(Tagging(), corpus)
    for name, array in vars(tight["train"].batch([1])).items():
        assert np.array_equal(array, getattr(wide["train"].batch([1]), name))
    assert tight["train"].batch([0]).gold.tolist() == wide["train"].batch([0]).gold.tolist()


def test_refuse_names_the_text(write: Write) -> None:
    with pytest.raises(DataError, match=r"long\.conll:1: the text takes \d+ tokens .* holds 10"):
        built(write, overflow="refuse")


def test_a_word_longer_than_a_window(write: Write) -> None:
    path = write("word.conll", "a O\nb O\n" + "!" * 20 + " N\n")
    with pytest.raises(DataError, match=r"word\.conll:1: the text takes 22 tokens"):
        build(Tagging(), load_corpus(train=path), max_tokens=12, overflow="refuse")
    episodes = build(Tagging(), load_corpus(train=path), max_tokens=12)["train"]
    assert episodes.max_windows > 1
    assert np.bincount(episodes.units[episodes.units >= 0]).tolist() == [1, 1, 20]


def test_no_room_beside_the_special_tokens(write: Write) -> None:
    with pytest.raises(ValueError, match="max_tokens=2 leaves no room"):
        build(Tagging(), load_corpus(train=long_corpus(write)), max_tokens=2)


def test_classifying_a_long_text(write: Write) -> None:
    """Every window belongs to the one unit, special tokens and all; the windows cover the text."""
    text = " ".join("abcdefgh"[place % 8] * (1 + place % 3) for place in range(40))
    path = write("long.csv", f"text,label\n{text},long\nabc,short\n")
    corpus = load_corpus(train=path)
    episodes = build(Classification(), corpus, max_tokens=12)["train"]
    batch, whole = episodes.batch([0]), build(Classification(), corpus)["train"].batch([0])
    assert len(batch.input_ids) > 4
    assert np.array_equal(batch.unit_of_token, np.where(batch.attention_mask == 1, 0, -1))
    rest = whole.input_ids[0, 1:-1].tolist()
    for ids, mask in zip(batch.input_ids, batch.attention_mask, strict=True):
        inner = ids[mask == 1][1:-1].tolist()
        assert (ids[0], ids[mask == 1][-1]) == (whole.input_ids[0, 0], whole.input_ids[0, -1])
        places = [k for k in range(len(rest)) if rest[k : k + len(inner)] == inner]
        assert places
        rest = rest if ids is batch.input_ids[-1] else rest[min(places) :]
    assert rest[-len(inner) :] == inner
    with pytest.raises(DataError, match=r"long\.csv:2: the text takes"):
        build(Classification(), corpus, max_tokens=12, overflow="refuse")
