"""The robustness report: same texts for all runs, exact scores, a report that says what it is."""

import json

import numpy as np
import pytest

from lingym.agents import Labeller
from lingym.envs import Tagging, load_corpus
from lingym.envs.augment import from_spec
from lingym.scripts.arguments import TaskOptions
from lingym.scripts.bench_robustness import RobustnessReport
from lingym.scripts.cli import parse
from lingym.scripts.compare import looks
from lingym.scripts.compare.items import Items
from lingym.scripts.options_augment import Augmenting
from lingym.scripts.robustness_measure import estimates, interval, judge
from lingym.scripts.robustness_noise import NAMES, noises, noisy
from lingym.scripts.train import Train
from lingym.scripts.training import read, train


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    common = {"encoder": "tiny", "train_limit": 60, "dev_limit": 10, "corpus": "synthetic:commands"}
    train(Train(folder / "one", agent="supervised", episodes=60, **common), score_test=False)
    train(Train(folder / "two", agent="reinforce", episodes=16, **common), score_test=False)
    return folder


@pytest.fixture(scope="module")
def report(runs):
    out = runs / "report"
    RobustnessReport(
        runs=(runs / "one", runs / "two"),
        test="synthetic:commands",
        train="synthetic:commands",
        out=out,
        metric="accuracy",
        strengths=(0.2, 1.0),
        draws=2,
        test_limit=12,
        device="cpu",
    ).run()
    return out


def test_scores_are_those_of_the_runs_on_the_noisy_texts(report, runs):
    results = json.loads((report / "results.json").read_text())
    assert [each["name"] for each in results["noises"]] == list(NAMES)
    labeller = Labeller.load(runs / "two", "cpu")
    records = load_corpus("synthetic:commands").test[:12]
    plain = labeller.evaluate(records)["accuracy"]
    assert results["runs"][1]["plain"]["score"]["mean"] == pytest.approx(plain, abs=1e-12)

    task = Tagging()
    texts = labeller.read(records).examples
    made = noises(task, ["upper"])["upper"]
    cased = [noisy(texts, task, made, 1.0, 0, draw) for draw in range(2)]
    assert cased[0] == cased[1]  # every word is in capitals
    upper = [{"tokens": [word.upper() for word in e.units], "labels": list(e.gold)} for e in texts]
    score = labeller.evaluate(labeller.records(upper))["accuracy"]
    row = next(
        r
        for r in results["scores"]
        if (r["noise"], r["strength"], r["run"]) == ("upper", 1.0, "two")
    )
    assert row["score"]["mean"] == pytest.approx(score, abs=1e-12)
    assert row["loss"]["mean"] == pytest.approx(plain - score, abs=1e-12)
    assert row["changed"] == 1.0


def test_differences_follow_from_the_scores(report):
    results = json.loads((report / "results.json").read_text())
    rows = {(r["noise"], r["strength"], r["run"]): r for r in results["scores"]}
    for (noise, strength, run), row in rows.items():
        first = rows[noise, strength, "one"]
        assert row["score"]["mean"] == pytest.approx(np.mean(row["draws"]))
        assert row["score"]["low"] <= row["score"]["mean"] <= row["score"]["high"]
        if run == "one":
            assert "difference" not in row
            continue
        apart = np.mean(row["draws"]) - np.mean(first["draws"])
        assert row["difference"]["mean"] == pytest.approx(apart)
        more = row["loss"]["mean"] - first["loss"]["mean"]
        assert row["loss_difference"]["mean"] == pytest.approx(more)
        assert row["difference"]["p_corrected"] >= row["difference"]["p"]


def test_report_page_and_ledger(report, runs):
    page = (report / "report.html").read_text()
    text = (report / "report.md").read_text()
    for told in (page, text):
        assert "look at the test split" in told
        assert "Unseen entities" in told and "parts of training mentions" in told
    assert "<script" not in page and 'src="' not in page
    assert (report / "figures" / "robustness.svg").read_text().startswith("<svg")
    assert (report / "robustness.png").read_bytes()[1:4] == b"PNG"
    entries = looks.read(report)
    assert [entry["arm"] for entry in entries] == ["one", "two"] and looks.intact(report, [])
    with pytest.raises(ValueError, match="holds a report already"):
        RobustnessReport((runs / "one",), "synthetic:commands", report).run()


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"draws": 1}, "--draws must be 2 or more, got 1"),
        ({"strengths": (0.0,)}, "--strengths must be from 0 to 1, one above 0"),
        ({"strengths": (1.5,)}, "--strengths must be from 0 to 1"),
        ({"noises": ("sleet",)}, "unknown noise 'sleet': known are typos"),
        ({"metric": "mood"}, "no metric 'mood'"),
        ({"test_limit": 1}, "--test-limit must be 2 or more"),
        ({"seed": -1}, "--seed must be 0 or more"),
    ],
)
def test_what_is_refused(runs, tmp_path, options, told):
    asked = {"test": "synthetic:commands", "out": tmp_path / "r", "device": "cpu", "test_limit": 4}
    with pytest.raises(ValueError, match=told):
        RobustnessReport(runs=(runs / "one",), **{**asked, **options}).run()


def test_noise_that_the_task_does_not_allow():
    from lingym.envs import Classification

    assert "unseen_entities" not in noises(Classification(), ())
    with pytest.raises(ValueError, match="no entity tags"):
        noises(Classification(), ["unseen_entities"])


def test_intervals_cover_draws_and_texts():
    rng = np.random.default_rng(0)
    base = Items.mean(rng.random(50))
    row = estimates([base], [[base, base]])[0]
    assert row["loss"]["mean"] == row["loss"]["low"] == row["loss"]["high"] == 0
    one = estimates([base], [[base]])[0]["score"]
    values = base.terms[0][1].right
    error = 1.96 * values.std() / np.sqrt(50)
    assert one["high"] - one["mean"] == pytest.approx(error, rel=0.06)
    worse = interval(np.array([-1.0, -1.0]), rng.normal(-1, 0.01, (1, 500)).repeat(2, 0))
    judge([worse])
    assert worse["verdict"] == "worse" and worse["high"] < -0.97


def test_training_texts_are_augmented_and_others_are_not(tmp_path, capsys):
    common = {"encoder": "tiny", "train_limit": 20, "corpus": "synthetic:commands"}
    plain = read(Train(tmp_path / "a", **common))
    augmenting = Augmenting("typos(0.3) | mentions(1.0)", 1.5)
    more = read(Train(tmp_path / "b", augmenting=augmenting, seed=2, **common))
    assert 25 <= len(more["train"]) - 20 <= 35
    assert more["train"].examples[:20] == plain["train"].examples
    assert more["dev"].examples == plain["dev"].examples
    assert more["test"].examples == plain["test"].examples
    assert more.space.names == plain.space.names
    assert more.tokenizer.to_str() == plain.tokenizer.to_str()
    assert "changed copies beside 20 training texts" in capsys.readouterr().err
    again = read(Train(tmp_path / "c", augmenting=augmenting, seed=2, **common))
    assert again["train"].examples == more["train"].examples
    other = read(Train(tmp_path / "d", augmenting=augmenting, seed=3, **common))
    assert other["train"].examples != more["train"].examples


def test_options_are_refused_before_files_are_read(tmp_path):
    with pytest.raises(ValueError, match="means something with --augment only"):
        Augmenting(augment_share=2).check("ppo", "tagging")
    with pytest.raises(ValueError, match="--augment-share must be above 0"):
        Augmenting("typos(0.1)", 0).check("ppo", "tagging")
    wrong = Train(
        tmp_path / "x",
        task="classification",
        train="no/such/file",
        augmenting=Augmenting("mentions(0.5)"),
        options=TaskOptions(),
    )
    with pytest.raises(ValueError, match="mentions cannot augment the task classification"):
        wrong.run()
    words = ["train", "--out", "x", "--augment", "typos(0.1)", "--augment-share", "0.5"]
    assert parse(words).augmenting == Augmenting("typos(0.1)", 0.5)
    assert from_spec("typos(0.1)").rate == 0.1
