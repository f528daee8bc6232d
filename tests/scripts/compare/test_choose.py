from pathlib import Path
from typing import Any

import pytest

from lingym.scripts.compare.choose import choose, grid_points
from lingym.scripts.compare.study import Arm, Data, Study

ARM = Arm("rl", "warm", {"agent": "ppo"}, {"learning_rate": (1e-5, 5e-5), "samples": (2, 4)})
STUDY = Study(
    name="s",
    about="",
    seeds=(0, 1, 2),
    data=(Data("a", {"corpus": "synthetic:commands"}, "f1"),),
    arms=(ARM, Arm("plain", "warm", {"agent": "supervised"}), Arm("tuned", of="rl", tune="bias")),
    tune_seeds=2,
    source=Path("s.yaml"),
)


def rows(values: dict[tuple[float, int], tuple[float, ...]], **more: Any) -> list[dict[str, Any]]:
    return [
        {
            "kind": "train",
            "data": "a",
            "arm": "rl",
            "share": 1.0,
            "seed": seed,
            "settings": {"learning_rate": rate, "samples": samples},
            "dev": {"f1": value, "accuracy": -value},
            **more,
        }
        for (rate, samples), each in values.items()
        for seed, value in enumerate(each)
    ]


TABLE = {(1e-5, 2): (0.5, 0.7), (1e-5, 4): (0.9, 0.2), (5e-5, 2): (0.6, 0.7), (5e-5, 4): (0.1, 1.0)}


def test_grid_points_are_all_combinations_in_order() -> None:
    assert [tuple(point.values()) for point in grid_points(ARM)] == list(TABLE)
    assert grid_points(STUDY.arms[1]) == [{}]


def test_the_best_mean_over_seeds_is_chosen() -> None:
    assert choose(rows(TABLE), "a", "rl", 1.0, STUDY) == {"learning_rate": 5e-5, "samples": 2}
    assert choose(rows(TABLE), "a", "tuned", 1.0, STUDY) == {"learning_rate": 5e-5, "samples": 2}


def test_ties_go_to_the_first_of_the_grid_whatever_the_order_of_rows() -> None:
    same = rows(dict.fromkeys(TABLE, (0.25, 0.5)))
    assert choose(same[::-1], "a", "rl", 1.0, STUDY) == {"learning_rate": 1e-5, "samples": 2}


def test_only_this_arms_rows_of_the_tuning_seeds_count() -> None:
    other = {(1e-5, 2): (9.0, 9.0)}
    noise = [
        *rows(other, arm="x"),
        *rows(other, data="b"),
        *rows(other, share=0.5),
        *rows(other, kind="score"),
        *rows({(1e-5, 2): (9.0,)}, seed=2),
    ]
    chosen = choose(rows(TABLE) + noise, "a", "rl", 1.0, STUDY)
    assert chosen == {"learning_rate": 5e-5, "samples": 2}


def test_of_two_rows_of_a_cell_the_later_counts() -> None:
    again = rows({(1e-5, 2): (1.0, 1.0)})
    first = {"learning_rate": 1e-5, "samples": 2}
    assert choose(rows(TABLE) + again, "a", "rl", 1.0, STUDY) == first
    assert choose(again + rows(TABLE), "a", "rl", 1.0, STUDY) != first


def test_what_is_not_a_number_is_never_chosen() -> None:
    nan = float("nan")
    broken = TABLE | {(5e-5, 2): (nan, 2.0)}
    assert choose(rows(broken), "a", "rl", 1.0, STUDY) == {"learning_rate": 1e-5, "samples": 2}
    with pytest.raises(ValueError, match="f1 on dev is not a number at any point"):
        choose(rows(dict.fromkeys(TABLE, (nan, nan))), "a", "rl", 1.0, STUDY)


def test_without_a_grid_there_is_nothing_to_choose() -> None:
    assert choose([], "a", "plain", 1.0, STUDY) == {}


def test_what_is_missing_is_told() -> None:
    with pytest.raises(ValueError, match=r"a, rl, share 1: no row of seed 1 with .*5e-05.*4"):
        choose(rows(TABLE)[:-1], "a", "rl", 1.0, STUDY)
    with pytest.raises(ValueError, match=r"the row of seed 0 .* has no f1"):
        choose(rows(TABLE, dev={"accuracy": 1.0}), "a", "rl", 1.0, STUDY)
