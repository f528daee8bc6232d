"""`lingym tune`: what is tried, what is stopped, what survives a kill, what is never looked at."""

import csv
import json
import shlex
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import optuna
import pytest
import yaml
from optuna.trial import TrialState

from lingym.agents.callbacks import Measurement
from lingym.scripts import tuning_trial
from lingym.scripts.arguments import Reading, TaskOptions
from lingym.scripts.cli import main, parse
from lingym.scripts.train import Train
from lingym.scripts.train_check import OWN_KEYS, check_numbers, check_use
from lingym.scripts.train_words import command_of
from lingym.scripts.tune import Tune
from lingym.scripts.tuning_defaults import default_space
from lingym.scripts.tuning_sampler import pruner_of
from lingym.scripts.tuning_space import Knob, kind_of, read_space
from lingym.scripts.tuning_store import counted, is_locked, locked, revive, stored, trial_lock
from lingym.scripts.tuning_trial import Watch

RUN = (
    "--corpus synthetic:commands?train=16&dev=8&test=8 --encoder tiny --device cpu "
    "--agent supervised --episodes 32 --rollout 16 --eval-every 16"
)
SPACE = "learning_rate: {low: 1e-5, high: 2e-3, log: true}\nbatch_size: [4, 8, 16]\n"


def words(out: Path, more: str = "", space: str = SPACE) -> list[str]:
    file = out.with_suffix(".yaml")
    file.write_text(space)
    return shlex.split(f"tune --out {out} {RUN} --metric accuracy --space {file} {more}")


def rows_of(out: Path, name: str = "supervised") -> list[dict[str, str]]:
    with (out / name / "trials.csv").open() as stream:
        return list(csv.DictReader(stream))


def tried(rows: list[dict[str, str]]) -> list[tuple[str, ...]]:
    """What was tried and what came of it, trials that were broken off left out."""
    told = ("learning_rate", "batch_size", "value")
    return [tuple(r[name] for name in told) for r in rows if r["state"] != "broken off"]


@pytest.fixture
def undrawn(monkeypatch):
    """Pictures take longer than these searches."""
    monkeypatch.setattr("lingym.scripts.tuning_plots.draw", lambda *_: [])


@pytest.fixture(scope="module")
def searched(tmp_path_factory):
    out = tmp_path_factory.mktemp("tune") / "whole"
    main(words(out, "--trials 3"))
    return out


def test_a_search_leaves_runs_a_table_the_best_and_pictures(searched):
    rows = rows_of(searched)
    assert [row["state"] for row in rows] == ["whole"] * 3
    for row in rows:
        run = searched / "supervised" / row["folder"] / "seed-0"
        arguments = json.loads((run / "config.json").read_text())["arguments"]
        assert repr(arguments["learning_rate"]) == row["learning_rate"]
        assert 1e-5 <= arguments["learning_rate"] <= 2e-3
        metrics = json.loads((run / "metrics.json").read_text())
        assert metrics["dev"]["accuracy"] == float(row["value"])
        assert metrics["test"] == {}  # though the corpus has test texts
    best = yaml.safe_load((searched / "supervised" / "best.yaml").read_text())
    assert best["value"] == max(float(row["value"]) for row in rows)
    assert best["settings"]["learning_rate"] == float(rows[best["trial"]]["learning_rate"])
    kept = [
        r["trial"] for r in rows if list((searched / "supervised" / r["folder"]).glob("*/model"))
    ]
    assert kept == [str(best["trial"])]
    for kind in ("history", "curves", "slices", "parallel"):
        picture = searched / "supervised" / "plots" / f"{kind}.png"
        assert picture.read_bytes().startswith(b"\x89PNG")


def test_the_best_command_is_one_of_lingym_train_with_a_new_seed(searched):
    best = yaml.safe_load((searched / "supervised" / "best.yaml").read_text())
    (command,) = best["commands"]
    run: Any = parse(shlex.split(command)[1:])
    assert type(run) is Train
    assert (run.seed, run.episodes, run.metric) == (1, 32, "accuracy")
    assert run.learning_rate == best["settings"]["learning_rate"]
    assert run.batch_size == best["settings"]["batch_size"]


@pytest.mark.usefixtures("undrawn")
def test_a_search_that_was_killed_goes_on_as_though_it_had_not_been(searched, tmp_path, capsys):
    out, marker = tmp_path / "killed", tmp_path / "second"
    driver = f"""
import time, pathlib
from lingym.scripts import cli, tuning_trial
train, calls = tuning_trial.train, []
def slow(arguments, *rest, **named):
    calls.append(arguments)
    if len(calls) == 2:
        pathlib.Path({str(marker)!r}).touch()
        time.sleep(600)
    return train(arguments, *rest, **named)
tuning_trial.train = slow
cli.main({words(out, "--trials 3")!r})
"""
    child = subprocess.Popen([sys.executable, "-c", driver], stderr=subprocess.PIPE)
    while not marker.exists():
        assert child.poll() is None, child.stderr
        time.sleep(0.05)
    assert is_locked(trial_lock(out / "supervised", 1))
    child.send_signal(signal.SIGKILL)
    child.communicate()
    assert not is_locked(trial_lock(out / "supervised", 1))
    main(words(out, "--trials 3"))
    assert "3 trials, 1 done" in (said := capsys.readouterr().err)
    assert "trial 1 was broken off: its settings are tried again" in said
    rows = rows_of(out)
    assert [row["state"] for row in rows] == ["whole", "broken off", "whole", "whole"]
    assert tried(rows) == tried(rows_of(searched))  # to the last digit
    main(words(out, "--trials 3"))
    assert (
        "trial"
        not in capsys.readouterr().err.partition("3 trials, 3 done")[2].partition("\n")[2][:5]
    )
    assert len(rows_of(out)) == 4


def test_a_trial_of_a_living_process_is_left_to_it(searched):
    with stored(searched) as storage:
        study = optuna.create_study(storage=storage, study_name="other")
        study.ask()
        with locked(trial_lock(searched / "other", 0)):
            revive(study, searched / "other")
            assert [t.state for t in study.trials] == [TrialState.RUNNING]
            assert len(counted(study)) == 1
        revive(study, searched / "other")
        assert [t.state for t in study.trials] == [TrialState.FAIL]
        assert counted(study) == []


@pytest.mark.usefixtures("undrawn")
def test_other_options_are_refused_and_a_test_file_is_none_of_them(searched, monkeypatch):
    monkeypatch.setattr(tuning_trial, "train", lambda *_, **__: pytest.fail("trained"))
    main(words(searched, "--trials 3 --test never-opened.conll"))
    for more, told in (
        ("--dev-limit 4", "dev_limit None, now 4"),
        ("--seed 5", "seed 0, now 5"),
        ("--seeds-per-trial 2", "seeds_per_trial 1, now 2"),
        ("--sampler random", "sampler 'tpe', now 'random'"),
    ):
        with pytest.raises(SystemExit, match="'supervised' was begun with other options") as ended:
            main(words(searched, f"--trials 3 {more}"))
        assert told in str(ended.value)
    with pytest.raises(SystemExit, match=r"begun with other options.*space"):
        main(words(searched, "--trials 3", "batch_size: [4, 8]"))
    words(searched)


@pytest.mark.usefixtures("undrawn")
def test_a_bad_trial_is_stopped_early(tmp_path):
    out = tmp_path / "pruned"
    space = "learning_rate: [5.0e-3, 1.0e-9]"
    main(words(out, "--trials 9 --sampler grid --prune-after 1 --batch-size 4", space))
    good, bad = rows_of(out)  # the grid has no more
    assert (good["learning_rate"], bad["learning_rate"]) == ("0.005", "1e-09")
    assert (good["state"], bad["state"]) == ("whole", "stopped")
    assert (good["episodes"], bad["episodes"]) == ("32", "16")
    assert bad["reason"] == "stopped: behind after 16 texts"
    assert not (out / "supervised" / bad["folder"] / "seed-0" / "metrics.json").exists()


def test_what_is_told_to_the_pruner_is_the_mean_of_the_seeds_so_far():
    tune = Tune(out=Path("x"), seeds_per_trial=2, prune_after=1)
    study = optuna.create_study(direction="maximize", pruner=pruner_of(tune))

    def run(scores: list[list[float]]) -> Watch:
        watch = Watch(study.ask(), "f1", 40, 2, keep_best=True)
        for one in scores:
            watch.begin()
            for place, score in enumerate(one):
                watch(Measurement(20 * place, 0, 0.0, {"f1": score}))
            watch.end(max(one))
        return watch

    first = run([[0.0, 0.6, 0.4], [0.0, 0.2, 0.8]])
    study.tell(first.trial, 0.7)
    told = study.trials[0].intermediate_values
    assert told == pytest.approx({50: 0.6, 100: 0.6, 150: 0.4, 200: 0.7})
    assert (first.done, first.episodes) == ([0.6, 0.8], 80)
    with pytest.raises(optuna.TrialPruned, match="behind after 20 texts"):
        run([[0.5, 0.59, 0.9]])


@pytest.mark.usefixtures("undrawn")
def test_trials_that_cannot_be_are_told_and_the_search_goes_on(tmp_path, monkeypatch, capsys):
    train = tuning_trial.train

    def fails(arguments: Train, *rest: Any, **named: Any) -> Any:
        if arguments.batch_size == 4:
            raise FloatingPointError("the loss is not finite\nand more")
        if arguments.batch_size == 8:
            raise ValueError("8 is refused")
        return train(arguments, *rest, **named)

    monkeypatch.setattr(tuning_trial, "train", fails)
    out = tmp_path / "failing"
    main(words(out, "--trials 3 --sampler grid", "batch_size: [4, 8, 16]"))
    rows = {row["batch_size"]: row for row in rows_of(out)}
    assert (rows["4"]["state"], rows["4"]["reason"]) == (
        "diverged",
        "diverged: the loss is not finite",
    )
    assert (rows["8"]["state"], rows["8"]["reason"]) == ("refused", "refused: 8 is refused")
    assert (rows["16"]["state"], rows["16"]["reason"]) == ("whole", "")
    assert "best" in capsys.readouterr().out
    monkeypatch.setattr(tuning_trial, "train", lambda *_, **__: fails(Train(out, batch_size=8)))
    with pytest.raises(SystemExit, match="none of 3 trials could be run; the last was refused: 8"):
        main(words(tmp_path / "never", "--trials 9"))


@pytest.mark.usefixtures("undrawn")
def test_warm_starts_are_shared_and_the_search_is_finished_once(tmp_path, capsys):
    out = tmp_path / "warm"
    more = "--agent reinforce --warm-passes 0 16 --sampler grid --trials 4 --episodes 16"
    given = words(out, more, "learning_rate: [1e-3, 1e-4]")
    main([*given, "--finish", "1"])
    printed = capsys.readouterr().out
    rows = rows_of(out, "reinforce")
    starts = {}
    for row in rows:
        run = out / "reinforce" / row["folder"] / "seed-0" / "config.json"
        starts.setdefault(row["warm_passes"], set()).add(
            json.loads(run.read_text())["arguments"]["warm_start"]
        )
    assert starts["0"] == {None}
    (shared,) = starts["16"]
    assert json.loads((Path(shared) / "metrics.json").read_text())["test"] == {}
    done = json.loads((out / "reinforce" / "finish" / "finish.json").read_text())
    assert [run["seed"] for run in done["runs"]] == [1]
    for run in done["runs"]:
        assert f"{run['test']['accuracy']:.4f}" in printed
    note = out / "reinforce" / "finish" / "settings.json"
    note.write_text(json.dumps({"trial": 7, "settings": {"learning_rate": 9}}))
    with pytest.raises(SystemExit, match="test was scored with the settings of trial 7"):
        main([*given, "--finish", "1"])


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "samples: [4]\nlearning_rat: [1e-4]",
            ":2: lingym train has no option 'learning_rat': ",
        ),
        ("corpus: [a]", ":1: corpus cannot be searched: all trials have the same"),
        ("n_epochs: [2]", ":1: n_epochs is for --agent ppo, not reinforce"),
        ("samples: [4, four]", ":1: samples is 'four': wanted a whole number"),
        ("samples: [4, 4]", ":1: samples has a choice twice"),
        ("samples: [0, 4]", ":1: --samples must be 1 or more, got 0"),
        ("dropout: [1]", ":1: dropout is 1: wanted true or false"),
        ("baseline: [best]", ":1: baseline is 'best': wanted none, mean, value"),
        ("baseline: {low: 1, high: 2}", ":1: baseline has no range: wanted a list of choices"),
        ("learning_rate: 1e-4", ":1: learning_rate is '1e-4': wanted a list of choices, or {low"),
        ("learning_rate: {low: 1e-4}", ":1: learning_rate is {'low': '1e-4'}: wanted a list"),
        ("learning_rate: {low: 2e-4, high: 1e-4}", "wanted a low below the high"),
        ("learning_rate: {low: 0, high: 1, log: true}", "log wants a low above 0"),
        ("kl_coef: {low: 0, high: 1, log: 3}", "log of kl_coef is 3: wanted true or false"),
        ("kl_coef: {low: 0, high: 1, step: -1}", "step of kl_coef is -1.0: wanted above 0"),
        ("\nsamples: [4]\nsamples: [8]", ":3: a space has 'samples' twice"),
        ("samples: [4", ":1: not YAML: "),
        ("- samples", ":1: a space must be a table of names and values, got a list"),
        ("", ":1: the file is empty"),
        ("{}", ":1: wanted knobs, such as samples: [4, 8]"),
        ("warm_passes: [-1]", ":1: warm_passes must be 0 or more, got -1"),
        ("gamma: [0.5]", ":1: gamma is given on the command line, too: leave out one"),
    ],
)
def test_a_mistake_in_a_space_is_told_with_its_line(text, told, tmp_path):
    file = tmp_path / "space.yaml"
    file.write_text(text)
    with pytest.raises(ValueError) as caught:
        read_space(file, Train(out=tmp_path, agent="reinforce", gamma=0.9))
    assert str(caught.value).startswith(str(file))
    assert told in str(caught.value)


def test_a_space_in_its_order_with_numbers_as_they_are_meant(tmp_path):
    file = tmp_path / "space.yaml"
    file.write_text(
        "samples: {low: 2, high: 8, step: 3}\nkl_coef: [0, 1e-2]\npooling: [first, mean]\n"
        "learning_rate: {low: 1e-5, high: 1.0e-4, log: true}\n"
    )
    samples, kl, pooling, rate = read_space(file, Train(out=tmp_path, agent="reinforce"))
    assert samples.values() == (2, 5, 8)
    assert kl == Knob("kl_coef", (0.0, 0.01))
    assert pooling.choices == ("first", "mean")
    assert rate == Knob("learning_rate", (), 1e-5, 1e-4, log=True)
    with pytest.raises(ValueError, match="learning_rate is a range without a step"):
        rate.values()


@pytest.mark.parametrize("agent", OWN_KEYS)
def test_the_default_space_is_one_that_the_agent_takes(agent):
    tune = Tune(out=Path("x"), agent=agent, warm_passes=(100,))
    space = default_space(tune)
    assert {"learning_rate", "head_lr_scale", "batch_size"} < {knob.name for knob in space}
    for knob in space:
        for value in knob.extremes():
            assert type(value) is kind_of(knob.name, "") or isinstance(value, str)
            run = replace(tune.base(), **{knob.name: value})
            check_numbers(run)
            check_use(run)


def test_what_was_given_or_means_nothing_is_not_searched():
    def names(**given: Any) -> set[str]:
        return {knob.name for knob in default_space(Tune(out=Path("x"), **given))}

    assert {"kl_coef", "gold_coef", "learning_rate"} <= names(agent="ppo", warm_passes=(9,))
    assert "kl_coef" not in names(agent="ppo")
    assert "learning_rate" not in names(agent="ppo", learning_rate=1e-4)
    assert not {"gold_coef", "baseline"} & names(agent="reinforce", reward="bandit")
    assert "dropout" not in names(agent="reinforce", feedback_delay=3)
    assert "label_smoothing" not in names(agent="supervised", focal_gamma=2.0)


def test_a_run_as_a_command_reads_back_as_it_was(tmp_path):
    run = Train(
        *(tmp_path / "a run", "summary"),
        reading=Reading(text="the text", columns=(0, -1)),
        options=TaskOptions(sentences=3),
        constrained=False,
        learning_rate=2.5e-5,
        keep_best=False,
        dropout=True,
        agent="reinforce",
        reward='"my rewards.py":worth',
        warm_start=tmp_path,
    )
    line = command_of(run)
    assert line.startswith("lingym train --out")
    assert parse(shlex.split(line)[1:]) == run


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ("--trials 0", "--trials must be 1 or more, got 0"),
        ("--timeout 0", "--timeout must be above 0"),
        ("--finish -1", "--finish must be 0 or more"),
        ("--warm-passes 5 5", "--warm-passes are [5, 5]: wanted 0 or more, each once"),
        ("--warm-passes 5 --warm-start runs/a", "--warm-start is a warm start already"),
        ("--study a/b", "--study is 'a/b': wanted letters"),
        ("--study warm", "--study is 'warm'"),
        ("--metric bleu", "no metric 'bleu': choose accuracy"),
        ("--sampler grid", "--sampler grid wants choices: learning_rate is a range"),
        ("--alpha 2", "--alpha is for --agent minimum_risk"),
    ],
)
def test_refused_before_any_trial(more, told, tmp_path):
    out = tmp_path / "search"
    with pytest.raises(SystemExit) as ended:
        main(words(out, more))
    assert told in str(ended.value)
    assert not out.exists()


def test_without_optuna_it_is_told_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(SystemExit, match=r'needs the library optuna: pip install "lingym\[tune\]"'):
        main(words(tmp_path / "search"))


def test_the_two_commands_that_tune_name_each_other(capsys):
    for command, other in (("tune", "tune-parameters"), ("tune-parameters", "lingym tune")):
        with pytest.raises(SystemExit):
            parse([command, "--help"])
        assert other in " ".join(capsys.readouterr().out.split())
