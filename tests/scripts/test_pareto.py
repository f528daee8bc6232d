"""A sweep of weights, small: runs, a front, a picture; and the same sweep again."""

import csv
import json
import shlex

import pytest

from lingym.scripts import sweep
from lingym.scripts.cli import main, parse
from lingym.scripts.pareto_picture import draw_front, labels
from lingym.scripts.pareto_runs import table

SWEEP = (
    "pareto --out {out} --corpus synthetic:commands?train=32&dev=16&test=16 --encoder tiny "
    "--agent reinforce --reward-a accuracy --reward-b entity_f1(dense=True) --weights 0 1 "
    "--start-episodes 32 --start-learning-rate 2e-3 --episodes 16 --rollout 16 --samples 2 "
    "--device cpu"
)


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    out = tmp_path_factory.mktemp("sweep")
    main(shlex.split(SWEEP.format(out=out)))
    return out


def metrics_of(run):
    return json.loads((run / "metrics.json").read_text())


def test_one_run_for_each_weight_from_one_warm_start(out):
    result = json.loads((out / "pareto.json").read_text())
    assert (result["x"], result["y"]) == ("entity_f1", "accuracy")
    assert [run["weight"] for run in result["runs"]] == [0.0, 1.0]
    start = metrics_of(out / "start")["dev"]
    for run in result["runs"]:
        config = json.loads((out / run["out"] / "config.json").read_text())["arguments"]
        assert config["reward"] == run["reward"]
        assert config["warm_start"] == str(out / "start")
        assert config["keep_best"] is False
        done = metrics_of(out / run["out"])
        assert run["dev"] == done["dev"] == done["curve"][-1]["metrics"]
        assert done["curve"][0]["metrics"] == pytest.approx(start, abs=1e-9)
    assert result["runs"][0]["reward"] == "0.0*accuracy+1.0*entity_f1(dense=True)"
    assert result["runs"][1]["reward"] == "1.0*accuracy+0.0*entity_f1(dense=True)"
    assert result["start"] == pytest.approx({m: start[m] for m in ("entity_f1", "accuracy")})
    with (out / "pareto.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [float(row["dev_accuracy"]) for row in rows] == [
        run["dev"]["accuracy"] for run in result["runs"]
    ]
    assert (out / "pareto.png").read_bytes().startswith(b"\x89PNG")


def test_what_is_there_is_not_done_again_and_what_was_broken_off_is(out, capsys, monkeypatch):
    trained = []
    whole = sweep.train
    monkeypatch.setattr(sweep, "train", lambda given: trained.append(given) or whole(given))
    before = (out / "pareto.json").read_text()
    main(shlex.split(SWEEP.format(out=out)))
    said = capsys.readouterr()
    assert not trained
    assert said.err.count("is there already, with these options: not done again") == 3
    assert table(json.loads(before)) in said.out
    (out / "weight-1-seed-0" / "metrics.json").unlink()
    main(shlex.split(SWEEP.format(out=out)))
    assert "weight-1-seed-0 was broken off: done again" in capsys.readouterr().err
    assert [given.out.name for given in trained] == ["weight-1-seed-0"]
    assert (out / "pareto.json").read_text() == before  # the same run, to the last digit
    with pytest.raises(SystemExit, match="holds a run with other options") as caught:
        main(shlex.split(SWEEP.format(out=out) + " --learning-rate 1e-3"))
    assert "learning_rate None, now 0.001" in str(caught.value)


RESULT = {
    "reward_a": "corpus_precision",
    "reward_b": "corpus_recall",
    "x": "recall",
    "y": "precision",
    "seeds": [0, 1],
    "start": {"recall": 0.5, "precision": 0.5},
    "means": [
        {
            "weight": weight,
            "dev": {"recall": recall, "precision": precision},
            "dev_std": {"recall": 0.01, "precision": 0.02},
            "front": front,
        }
        for weight, recall, precision, front in (
            (0.0, 0.9, 0.4, True),
            (0.25, 0.9, 0.401, True),
            (0.5, 0.6, 0.3, False),
            (1.0, 0.2, 0.8, True),
        )
    ],
}
RESULT["runs"] = [
    {"weight": mean["weight"], "seed": seed, "dev": mean["dev"]}
    for mean in RESULT["means"]
    for seed in (0, 1)
]


def test_the_table_has_a_row_a_weight():
    lines = table(RESULT).splitlines()
    assert "mean and spread of 2 seeds" in lines[0]
    assert lines[1].split() == ["weight", "dev", "recall", "dev", "precision", "front"]
    assert lines[2].split() == ["before", "0.5000", "0.5000"]
    assert " ".join(lines[4].split()) == "0.25 0.9000 +- 0.0100 0.4010 +- 0.0200 yes"
    assert not lines[5].endswith("yes")


def test_weights_that_lie_together_share_a_label_in_the_picture(tmp_path):
    assert list(labels(RESULT).values()) == ["0, 0.25", "0.5", "1"]
    draw_front(RESULT, tmp_path / "front.png")
    assert (tmp_path / "front.png").stat().st_size > 10_000


@pytest.mark.parametrize(
    ("words", "cause"),
    [
        ("--weights 0 1.5", "weight 1.5 is not in 0 .. 1"),
        ("--weights 0 0.0", "weights are [0.0, 0.0]: wanted one or more, each once"),
        ("--seeds 1 1", "seeds are [1, 1]: wanted one or more, each once"),
        ("--agent supervised", "supervised learning uses no reward"),
        ("--start-episodes 5 --warm-start runs/a", "start_episodes is 5: wanted 0 or more, 0 with"),
        ("--x bleu", "no metric 'bleu': give --x, one of accuracy, "),
        ("--reward-b cross_entropy", "reward cross_entropy is called as no metric"),
        ("--reward-b accuracy(dense=False)", "both axes are accuracy: give --x or --y"),
        ("--reward-b bleu", "unknown reward 'bleu'"),
        ("--reward-b relation_f1", "reward relation_f1 does not fit this task: label 'B-alarm'"),
    ],
)
def test_refused_before_any_run(words, cause, tmp_path):
    out = tmp_path / "sweep"
    with pytest.raises(SystemExit) as caught:
        main(
            shlex.split(
                f"pareto --out {out} --corpus synthetic:commands?train=4&dev=4&test=4 "
                f"--encoder tiny --reward-a accuracy --reward-b entity_f1 {words}"
            )
        )
    assert cause in str(caught.value)
    assert not out.exists()


@pytest.mark.parametrize("option", ["--reward f1", "--seed 3"])
def test_what_the_sweep_sets_itself_is_no_option(option, capsys):
    words = f"pareto --out runs/x --reward-a f1 --reward-b accuracy {option}"
    with pytest.raises(SystemExit):
        parse(shlex.split(words))
    assert option.split()[0] in capsys.readouterr().err
