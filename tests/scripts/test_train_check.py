"""What `lingym train` refuses before it reads anything."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lingym.scripts.bench_drift import Drift
from lingym.scripts.cli import main
from lingym.scripts.train import Train
from lingym.scripts.train_check import check_use


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--episodes 0", "--episodes must be 1 or more, got 0"),
        ("--episodes -5", "--episodes must be 1 or more, got -5"),
        ("--batch-size 0", "--batch-size must be 1 or more"),
        ("--train-limit -1", "--train-limit must be 1 or more"),
        ("--patience 0", "--patience must be 1 or more"),
        ("--eval-every -3", "--eval-every must be 1 or more"),
        ("--learning-rate 0", "--learning-rate must be above 0, got 0.0"),
        ("--agent reinforce --alpha 3", "--alpha is for --agent minimum_risk, not reinforce"),
        ("--agent supervised --kl-coef 1", "--kl-coef is for --agent ppo, reinforce, "),
        ("--agent expected_reward --baseline mean", "--baseline is for --agent ppo, reinforce"),
        ("--focal-gamma -1 --agent supervised", "--focal-gamma must be 0 or more, got -1.0"),
        ("--class-weights sqrt", "--class-weights is for --agent supervised, not ppo"),
        ("--agent supervised --class-beta 0.9", "--class-beta is for --class-weights effective"),
        ("--agent supervised --focal-gamma 2 --label-smoothing 0.1", "cannot both be"),
        ("--agent minimum_risk --label-smoothing 0.1", "minimum_risk learns from them with --gold"),
        ("--agent preference --label-smoothing 0.1", "--label-smoothing is for --agent supervised"),
    ],
)
def test_mistakes_are_told_and_leave_no_folder(tmp_path: Path, words: str, message: str) -> None:
    with pytest.raises(SystemExit) as ended:
        main(f"train --out {tmp_path / 'run'} --train {tmp_path / 'none.txt'} {words}".split())
    assert message in str(ended.value)
    assert not (tmp_path / "run").exists()


def test_what_is_as_by_default_is_no_mistake_and_a_sweep_refuses_the_same(tmp_path: Path) -> None:
    for agent in ("supervised", "ppo", "reinforce", "expected_reward", "minimum_risk"):
        chosen: Any = agent
        check_use(Train(out=tmp_path, agent=chosen, samples=4, gamma=1.0))
    check_use(Train(out=tmp_path, agent="minimum_risk", alpha=0.1, samples=8))
    with pytest.raises(SystemExit) as ended:
        words = "--reward-a accuracy --reward-b entity_f1 --agent ppo --alpha 2"
        main(f"pareto --out {tmp_path / 'front'} {words}".split())
    assert "--alpha is for --agent minimum_risk, not ppo" in str(ended.value)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"every": 0}, "--every must be 1 or more, got 0"),
        ({"seeds": 0}, "--seeds must be 1 or more"),
        ({"delay": -1}, "--delay must be 0 or more"),
        ({"replays": ()}, "wanted one or more"),
        ({"replays": (0.5, 0.5)}, "each once"),
        ({"replays": (1.0,)}, r"\[0, 1\)"),
    ],
)
def test_a_drift_that_compares_nothing(tmp_path: Path, wrong: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Drift("a", "b", "c", "d", tmp_path, **wrong).run()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("bench gradients --alpha 0.1 0", "wanted numbers above 0"),
        ("bench gradients --warm-up -1", "warm_up is -1: wanted 0 or more"),
        ("bench feedback --train {file} --encoder tiny", "curves are drawn of a dev metric"),
        ("bench feedback --corpus {corpus}?train=9&dev=3 --encoder tiny --metric f9", "no metric"),
        ("bench feedback --seeds 1 1", "each once"),
        ("bench feedback --gold 0", "--gold and --gold-passes must be 1 or more"),
    ],
)
def test_a_benchmark_refuses_before_it_trains(tmp_path: Path, words: str, message: str) -> None:
    file = tmp_path / "a.conll"
    file.write_text("stop O\nchicago B-city\n\nplay O\n")
    filled = words.format(corpus="synthetic:commands", file=file)
    out = f" --out {tmp_path / 'out'}" if "feedback" in words else ""
    with pytest.raises(SystemExit) as ended:
        main((filled + out).split())
    assert message in str(ended.value)
    assert not (tmp_path / "out").exists()


def test_a_seed_draws_the_texts_of_a_limit_and_a_smaller_limit_is_a_part_of_a_larger(tmp_path):
    from lingym.scripts.training import read

    def texts(limit: int, seed: int | None) -> list[list[int]]:
        run = Train(out=tmp_path, encoder="tiny", corpus="synthetic:commands", train_limit=limit)
        split = read(replace(run, limit_seed=seed))["train"]
        return [split.batch([row]).input_ids[0].tolist() for row in range(len(split))]

    ten, four, first = texts(10, 3), texts(4, 3), texts(10, None)
    assert ten[:4] == four
    assert ten != first
    assert ten != texts(10, 4)
