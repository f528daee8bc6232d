from dataclasses import replace
from pathlib import Path

import pytest

from lingym.scripts.compare.cells import counts, plan, run_of
from lingym.scripts.compare.choose import grid_points
from lingym.scripts.compare.passes import passes_of
from lingym.scripts.compare.study import Arm, Data, Share, Study
from lingym.scripts.train import Train

OUT = Path("results")
RATES = {"learning_rate": (2e-5, 5e-5)}
COMMANDS = Data(
    "commands",
    {"task": "tagging", "corpus": "synthetic:commands?train=150", "labels": "labels"},
    "entity_f1",
    {"metric": "entity_f1(dense=True)"},
    warm=2000,
    more=1001,
    arms={"then PPO": {"samples": 2}},
)
FEELINGS = replace(
    COMMANDS,
    name="Feelings!",
    options={"task": "multilabel", "corpus": "synthetic:emotions", "train_limit": 90},
    metric="sample_f1",
    rewards={"metric": "sample_f1"},
    arms={},
)
STUDY = Study(
    name="s",
    about="",
    seeds=(0, 3, 4),
    data=(COMMANDS, FEELINGS),
    arms=(
        Arm("supervised", "warm", {"agent": "supervised"}, RATES),
        Arm("tuned", "warm", of="supervised", tune="bias", only=("commands",)),
        Arm("then PPO", "warm", {"agent": "ppo", "reward": "{metric}"}, RATES),
        Arm("cold", "nothing", {"agent": "reinforce", "reward": "bandit", "rollout": 64}),
    ),
    shares=Share(("commands",), ("supervised", "tuned"), (0.05,), least=500),
    defaults={"encoder": "tiny", "samples": 8, "batch_size": 8, "label_smoothing": 0.1},
    measures=6,
    tune_seeds=2,
    source=Path("s.yaml"),
)
CELLS = plan(STUDY)
BY_ID = {cell.id: cell for cell in CELLS}


def options(id: str) -> Train:
    return BY_ID[id].train_options(STUDY, OUT)


def test_every_cell_stands_once_and_after_those_it_needs() -> None:
    assert len(BY_ID) == len(CELLS)
    done: set[str] = set()
    for cell in CELLS:
        assert set(cell.needs) <= done
        done.add(cell.id)


def test_ids_are_folders_of_their_own() -> None:
    for cell in CELLS:
        assert cell.folder(OUT) == OUT / "cells" / cell.id
        assert not [other for other in CELLS if other.id.startswith(f"{cell.id}/")]
        assert set(cell.id) <= set("abcdefghijklmnopqrstuvwxyz0123456789-_=./")


def test_cells_are_counted() -> None:
    # seeds: warm 3 x (2 sets + 1 share). Grid of two points on two seeds, then the chosen one:
    # 5 runs of an arm; without a grid 3.
    warm, grid, plain = 3, 5, 3
    train = (2 * grid + plain) * 2 + grid
    assert counts(CELLS) == {"warm": warm * 3, "train": train, "tune": 6, "score": 3 * (4 + 3 + 2)}


def test_all_that_looks_at_test_comes_last() -> None:
    kinds = [cell.kind for cell in CELLS]
    assert "score" not in kinds[: kinds.index("score")]
    assert set(kinds[kinds.index("score") :]) == {"score"}


def test_what_a_cell_needs() -> None:
    grid = tuple(
        f"commands/s{seed}/supervised/learning_rate={rate}"
        for seed in (0, 3)
        for rate in ("2e-05", "5e-05")
    )
    assert BY_ID[grid[2]].needs == ("commands/s3/warm",)
    chosen = BY_ID["commands/s4/supervised/chosen"]
    assert chosen.chosen and chosen.settings == {}
    assert chosen.needs == ("commands/s4/warm", *grid)
    assert BY_ID["commands/s0/supervised/score"].needs == grid
    assert BY_ID["commands/s4/supervised/score"].needs == (*grid, chosen.id)
    tune = BY_ID["commands/s4/tuned/tune"]
    assert tune.needs == (*grid, chosen.id)
    assert BY_ID["commands/s4/tuned/score"].needs == (*grid, chosen.id, tune.id)
    assert BY_ID["feelings/s4/cold/run"].needs == ()
    assert BY_ID["feelings/s4/cold/score"].needs == ("feelings/s4/cold/run",)
    share = BY_ID["commands/g0.05/s0/supervised/score"]
    assert all(id.startswith("commands/g0.05/") for id in share.needs)
    assert "feelings/s0/tuned/score" not in BY_ID


def test_the_run_that_is_scored() -> None:
    best = {"learning_rate": 5e-5}
    for name in ("supervised/score", "tuned/score", "tuned/tune"):
        run = run_of(CELLS, BY_ID[f"commands/s3/{name}"], best, STUDY)
        assert run.id == "commands/s3/supervised/learning_rate=5e-05"
        run = run_of(CELLS, BY_ID[f"commands/s4/{name}"], best, STUDY)
        assert run.id == "commands/s4/supervised/chosen"
    with pytest.raises(ValueError, match="no run of 'supervised' has the settings"):
        run_of(CELLS, BY_ID["commands/s0/tuned/score"], {"learning_rate": 1.0}, STUDY)


def test_a_warm_start_and_what_goes_on_from_it() -> None:
    warm = options("commands/s3/warm")
    assert (warm.agent, warm.episodes, warm.encoder, warm.seed) == ("supervised", 2000, "tiny", 3)
    assert (warm.label_smoothing, warm.samples, warm.reward) == (0.1, 4, None)
    on = options("commands/s3/supervised/learning_rate=5e-05")
    assert on.warm_start == OUT / "cells/commands/s3/warm" == warm.out
    assert (on.encoder, on.learning_rate, on.episodes, on.seed) == (None, 5e-5, 1001, 3)
    assert on.out == OUT / "cells/commands/s3/supervised/learning_rate=5e-05"


def test_no_run_has_test_texts_and_all_are_kept_by_dev() -> None:
    for cell in CELLS:
        if cell.kind in ("warm", "train") and not cell.chosen:
            run = cell.train_options(STUDY, OUT)
            data = STUDY.data_named(cell.data)
            assert (run.test, run.corpus) == (None, None)
            assert run.train == run.dev == data.options["corpus"]
            assert (run.metric, run.keep_best) == (data.metric, True)


def test_every_arm_has_equally_many_passes() -> None:
    ppo = options("commands/s0/then-ppo/learning_rate=2e-05")
    assert ppo.episodes == 251 and ppo.n_epochs == 4  # 1001 / 4, rounded up
    assert ppo.reward == "entity_f1(dense=True)"
    assert (ppo.samples, options("feelings/s0/then-ppo/learning_rate=2e-05").samples) == (2, 8)
    assert options("feelings/s0/cold/run").episodes == 3001
    assert options("feelings/s0/cold/run").warm_start is None


def test_a_run_is_measured_equally_often() -> None:
    for cell in CELLS:
        if cell.kind == "train" and not cell.chosen and cell.arm != "cold":
            run = cell.train_options(STUDY, OUT)
            assert run.episodes is not None and run.eval_every is not None
            assert run.eval_every == -(-run.episodes // 6)
            between = -(-run.eval_every // run.rollout) * run.rollout
            assert run.rollout % run.batch_size == 0
            assert between - run.eval_every < run.batch_size * -(-run.eval_every // 256)
            assert 5 <= -(-run.episodes // between) <= 6
    assert options("feelings/s0/cold/run").rollout == 64  # what the study says is kept


def test_a_share_of_the_gold_and_of_the_passes() -> None:
    warm = options("commands/g0.05/s0/warm")
    assert (warm.train_limit, warm.episodes) == (8, 500)  # 7.5 of 150 texts; 100 passes, at least
    assert options("commands/s0/warm").train_limit is None
    assert options("feelings/s0/warm").train_limit == 90
    on = options("commands/g0.05/s0/supervised/learning_rate=2e-05")
    assert on.warm_start == OUT / "cells/commands/g0.05/s0/warm"
    cell = BY_ID["commands/g0.05/s0/warm"]
    limited = replace(COMMANDS, options={**COMMANDS.options, "train_limit": 60})
    study = replace(STUDY, data=(limited, FEELINGS))
    assert cell.train_options(study, OUT).train_limit == 3


def test_passes_of_a_share_are_neither_too_few_nor_more_than_all() -> None:
    arms = {arm.name: arm for arm in STUDY.arms}
    assert passes_of(STUDY, COMMANDS, None, 0.5) == 1000
    assert passes_of(STUDY, COMMANDS, arms["then PPO"], 0.5) == 501
    assert passes_of(STUDY, COMMANDS, arms["cold"], 0.5) == 1501
    few = replace(COMMANDS, more=300)
    assert passes_of(STUDY, few, arms["then PPO"], 0.05) == 300


def test_a_chosen_run_waits_for_its_settings() -> None:
    cell = BY_ID["commands/s4/supervised/chosen"]
    with pytest.raises(ValueError, match="still to be chosen"):
        cell.train_options(STUDY, OUT)
    settled = replace(cell, settings={"learning_rate": 5e-5})
    assert settled.train_options(STUDY, OUT).learning_rate == 5e-5
    assert settled.train_options(STUDY, OUT).seed == 4
    with pytest.raises(ValueError, match="a score cell is no run"):
        BY_ID["commands/s4/supervised/score"].train_options(STUDY, OUT)


def test_points_with_long_names_are_numbered() -> None:
    rewards = ("0.5*f1", "0.5 * f1")  # the same once they are safe
    arm = Arm("x", "nothing", {"agent": "ppo"}, {"reward": rewards})
    study = replace(STUDY, data=(FEELINGS,), arms=(arm,), shares=None)
    runs = [cell for cell in plan(study) if cell.kind == "train" and cell.seed == 0]
    assert [cell.id.rsplit("/", 1)[1] for cell in runs] == ["point-1", "point-2"]
    assert [cell.settings for cell in runs] == grid_points(arm)


def test_a_run_reads_train_and_dev_only() -> None:
    from lingym.scripts.training import read

    dataset = read(options("commands/s0/warm"))
    assert set(dataset.splits) == {"train", "dev"}
    assert len(dataset["train"]) == 150
