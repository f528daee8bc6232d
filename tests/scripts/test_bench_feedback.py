"""Learning from kinds of feedback beside gold labels, by one command."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import pytest

from lingym.rewards import from_spec
from lingym.scripts.bench_feedback import GOLD, START, FeedbackCurves, usual
from lingym.scripts.sweep import run_once
from lingym.scripts.train import Train

SMALL = Train(
    out=Path(),
    agent="reinforce",
    encoder="tiny",
    corpus="synthetic:commands",
    train_limit=48,
    dev_limit=10,
    test_limit=10,
    episodes=32,
    eval_every=16,
    rollout=16,
    samples=2,
    learning_rate=1e-3,
    metric="accuracy",
    device="cpu",
)


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    out = tmp_path_factory.mktemp("feedback")
    file = out / "kinds.toml"
    file.write_text(
        '[told]\nreward = "bandit"\ngamma = 0\n[score]\nreward = "one_score(accuracy)"\n'
    )
    curves = FeedbackCurves(
        replace(SMALL, out=out / "runs"),
        regimes=file,
        gold=16,
        gold_passes=2,
        gold_rate=5e-3,
        seeds=(0, 1),
    )
    curves.run()
    return curves, out / "runs"


def test_every_kind_has_a_curve_over_what_was_spent(done):
    _, out = done
    runs = json.loads((out / "feedback.json").read_text())["runs"]
    assert {(run["feedback"], run["seed"]) for run in runs} == {
        (name, seed) for name in (START, GOLD, "told", "score") for seed in (0, 1)
    }
    score = next(run for run in runs if run["feedback"] == "score")
    assert [point["spent"] for point in score["curve"]] == [0, 32, 64]  # two samples of each text
    told = next(run for run in runs if run["feedback"] == "told")
    gold = next(run for run in runs if run["feedback"] == GOLD and run["seed"] == told["seed"])
    # The same texts with the same seed: each label told twice of, or read once.
    assert told["curve"][-1]["spent"] == 2 * gold["curve"][-1]["spent"]
    with (out / "feedback.csv").open(newline="") as file:
        assert len(list(csv.DictReader(file))) == sum(len(run["curve"]) for run in runs)
    assert (out / "feedback.png").stat().st_size > 10_000


def test_all_kinds_go_on_from_the_same_start(done):
    _, out = done
    runs = json.loads((out / "feedback.json").read_text())["runs"]
    for seed in (0, 1):
        start = next(r for r in runs if r["feedback"] == START and r["seed"] == seed)
        others = [r for r in runs if r["feedback"] != START and r["seed"] == seed]
        assert {r["curve"][0]["dev"] for r in others} == {start["curve"][-1]["dev"]}


def test_a_second_time_nothing_is_trained_again(done, monkeypatch, capsys):
    curves, _ = done
    monkeypatch.setattr("lingym.scripts.sweep.train", lambda _: pytest.fail("trained again"))
    curves.run()
    table = capsys.readouterr().out
    assert "told" in table and "100%" in table


def test_a_run_that_was_broken_off_is_done_again(done, capsys):
    _, out = done
    folder = out / "score-1"
    arguments = json.loads((folder / "config.json").read_text())["arguments"]
    before = json.loads((folder / "metrics.json").read_text())
    (folder / "metrics.json").unlink()
    same = replace(
        SMALL,
        out=folder,
        encoder=None,
        keep_best=False,
        seed=1,
        reward=arguments["reward"],
        warm_start=Path(arguments["warm_start"]),
    )
    assert run_once(same)["dev"] == before["dev"]
    assert "done again" in capsys.readouterr().err


def test_a_folder_with_another_run_is_refused(done):
    _, out = done
    with pytest.raises(ValueError, match=r"holds a run with other options .*: give another --out"):
        run_once(replace(SMALL, out=out / "score-1", seed=5))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[a]\nrewards = 'bandit'\n", r"table \[a\]: lingym train has no option 'rewards'"),
        ("[a]\nsamples = 'two'\n", "samples is 'two': wanted a number"),
        ("a = 1\n", "a is 1: wanted a table of options"),
        ("['gold labels']\nsamples = 1\n", "done anyway"),
        ("[a\n", "kinds.toml: "),
        ("[a]\nseed = 3\n", r"table \[a\]: seed is the same for all"),
        ("['a b']\n['a, b']\n", "names that differ in signs only"),
        ("", "no table, so no kind of feedback"),
    ],
)
def test_a_file_that_is_no_list_of_kinds_is_refused(tmp_path, text, words):
    file = tmp_path / "kinds.toml"
    file.write_text(text)
    with pytest.raises(ValueError, match=words):
        FeedbackCurves(replace(SMALL, out=tmp_path), regimes=file).read()


@pytest.mark.parametrize("measure", ["entity_f1", "accuracy"])
def test_the_usual_kinds_are_options_of_train_and_hide_the_gold_labels(measure):
    for options in usual(measure).values():
        arguments = replace(SMALL, **{"agent": "reinforce", **options})
        assert from_spec(arguments.reward).hides_gold
