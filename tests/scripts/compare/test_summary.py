"""results.json of a study whose rows and files are made up, so that every figure is known."""

import json
from importlib.metadata import version

import numpy as np
import pytest

from lingym.scripts.compare.bootstrap import Estimate
from lingym.scripts.compare.by_label import ByLabel
from lingym.scripts.compare.cells import plan
from lingym.scripts.compare.choose import choose
from lingym.scripts.compare.drawn import Drawn
from lingym.scripts.compare.gathered import Run
from lingym.scripts.compare.items import Items
from lingym.scripts.compare.study_file import read_study
from lingym.scripts.compare.summary import table, write
from lingym.scripts.compare.terms import Counts

STUDY = """
name: made up
about: two data sets
seeds: [0, 1, 2]
measures: 2
data:
  one:
    task: tagging
    corpus: "synthetic:commands?train=40&dev=10&test=60"
    metric: accuracy
    rewards: {corpus: corpus_f1}
    warm: 64
    more: 32
    about: the first
  two:
    task: tagging
    corpus: "synthetic:commands?train=20&dev=10&test=60"
    train_limit: 15
    metric: accuracy
    rewards: {corpus: corpus_f1}
    warm: 64
    more: 32
arms:
  supervised:
    start: warm
    agent: supervised
    grid: {learning_rate: [1.0e-4, 2.0e-4]}
  tuned:
    of: supervised
    tune: bias
    only: [one]
  supervised, then REINFORCE:
    start: warm
    agent: reinforce
    reward: "{corpus}"
    grid: {learning_rate: [1.0e-5, 2.0e-5]}
  from nothing:
    start: nothing
    agent: reinforce
    reward: "{corpus}"
shares:
  of: [one]
  arms: [supervised]
  gold: [0.25]
"""
GAIN = {"supervised": 0.0, "tuned": 0.02, "supervised, then REINFORCE": 0.2, "from nothing": -0.3}
KEYS = {
    "data": "name about metric task texts warm more repeats held_out",
    "arms": "name about start agent tries",
    "scores": "data arm chosen dev test seeds low high seconds passes_forward passes_backward "
    "tokens peak_memory_mb others",
    "differences": "data arm against mean low high p p_corrected seeds verdict poi without_repeats",
    "across": "arm iqm low high data improvement better worse none",
    "curves": "data arm seed chosen points start",
    "labels": "data arm label train_count f1_reference f1 low high",
    "efficiency": "data arm share gold_texts mean low high",
    "errors": "data arm right missed spurious type boundary both",
    "tries": "data arm settings dev_mean dev_seeds chosen",
}


def values_of(cell):
    """Accuracies of 60 test texts: easy and hard ones are the same for all runs."""
    easy = np.random.default_rng(7).uniform(0.3, 0.7, 60)
    own = np.random.default_rng([cell.seed, len(cell.arm)]).normal(0, 0.02, 60)
    return easy + own + GAIN[cell.arm] + (0.2 * (cell.share - 1))


def counts_of(cell):
    """Of two labels, each in every text once: label a is found as often as the accuracy says."""
    found = (values_of(cell) > 0.5).astype(float)
    right = np.stack([found, np.ones(60)], 1)
    return Counts(right, np.ones((60, 2)), np.ones((60, 2)), "macro")


def row_of(cell, study, rows):
    choice = None
    if cell.kind in ("score", "tune"):
        choice = choose(rows, cell.data, cell.arm, cell.share, study)
    rate = cell.settings.get("learning_rate", 0)
    row = {
        "cell": cell.id,
        "kind": cell.kind,
        "data": cell.data,
        "arm": cell.arm,
        "seed": cell.seed,
        "share": cell.share,
        "settings": dict(cell.settings),
        "chosen": choice,
        "seconds": 12.0,
        "peak_memory_mb": 500.0 + cell.seed,
        "commit": "abc",
        "versions": {"lingym": "0"},
        "machine": {"cpu": "x", "cores": 2, "gpu": None},
        "command": f"lingym {cell.id}",
    }
    if cell.kind in ("warm", "train"):
        work = {"training_seconds": 10.0, "encoder_texts_forward": 100}
        work |= {"encoder_texts_backward": 50}
        work |= {"encoder_tokens_forward": 1000, "encoder_tokens_backward": 200}
        return row | work | {"dev": {"accuracy": 0.5 + 1000 * rate + 0.01 * cell.seed}}
    if cell.kind == "score":
        mean = float(values_of(cell).mean())
        row |= {"dev": {"accuracy": 0.6}, "test": {"accuracy": mean, "entity_f1": 0.25}}
        row |= {"look": 1, "look_sha256": "0"}
    return row


def fill(out, kinds=("warm", "train", "tune", "score"), only=lambda cell: True):
    out.mkdir(parents=True, exist_ok=True)
    (out / "study.yaml").write_text(STUDY)
    study = read_study(out / "study.yaml")
    rows = []
    for cell in plan(study):
        if cell.kind not in kinds or not only(cell):
            continue
        rows.append(row_of(cell, study, rows))
        folder = cell.folder(out)
        folder.mkdir(parents=True)
        if cell.kind in ("warm", "train"):
            curve = [
                {"episodes": n, "tokens": 10 * n, "seconds": n / 10, "metrics": {"accuracy": 0.5}}
                for n in (0, 32)
            ]
            (folder / "metrics.json").write_text(json.dumps({"curve": curve}))
        if cell.kind == "score":
            Items.mean(values_of(cell)).to_npz(folder / "items-accuracy.npz")
            texts = {"train": 40 if cell.data == "one" else 15, "dev": 10, "test": 60}
            texts["train"] = int(texts["train"] * cell.share)
            (folder / "metrics.json").write_text(json.dumps({"texts": texts}))
            ByLabel(("a", "b"), (9, 1), counts_of(cell)).write(folder)
            kinds_of = {"right": 5, "missed": cell.seed, "spurious": 0}
            kinds_of |= {"type": 1, "boundary": 2, "both": 0}
            (folder / "errors.json").write_text(json.dumps(kinds_of))
    (out / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return out


def results_of(out):
    return json.loads(write(out).read_text())


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    out = fill(tmp_path_factory.mktemp("study") / "out")
    (out / "data" / "one").mkdir(parents=True)
    repeats = {"test_rows_repeated": [0, 1, 2, 59]}
    (out / "data" / "one" / "repeats.json").write_text(json.dumps(repeats))
    return out


@pytest.fixture(scope="module")
def results(out):
    return results_of(out)


def named(rows, **wanted):
    return [row for row in rows if all(row[name] == value for name, value in wanted.items())]


def one(rows, **wanted):
    (row,) = named(rows, **wanted)
    return row


def test_every_part_is_there_with_its_keys(results):
    for part, keys in KEYS.items():
        assert results[part], part
        for row in results[part]:
            assert set(row) == set(keys.split()), part
    assert results["study"]["text"] == STUDY
    assert results["reference"] == "supervised"
    assert results["cells"]["planned"] == results["cells"]["done"] == len(results["commands"])
    drawn = {"seed": 20260, "resamples": 2000, "level": 0.95, "scipy": version("scipy")}
    assert results["resampling"] == drawn
    assert results["made"]["machines"] == [{"cpu": "x", "cores": 2, "gpu": None}]
    assert results["data"][0]["texts"] == {"train": 40, "dev": 10, "test": 60}
    assert results["data"][1]["texts"] == {"train": 15, "dev": 10, "test": 60}
    assert [arm["tries"] for arm in results["arms"]] == [2, 2, 2, 1]
    assert results["looks"]["again"] == []


def test_scores_are_means_over_seeds_and_costs_are_whole(results):
    score = one(results["scores"], data="one", arm="tuned")
    assert score["test"] == pytest.approx(np.mean(score["seeds"]), abs=1e-12)
    assert score["low"] < score["test"] < score["high"]
    assert score["chosen"] == {"learning_rate": 2e-4}
    # Warm start and training, 10 s each, and 12 s of tuning; what goes back went forward, too.
    assert (score["seconds"], score["passes_forward"], score["tokens"]) == (32, 300, 2400)
    assert score["peak_memory_mb"] == 501
    assert score["others"] == {"entity_f1": 0.25}
    assert one(results["scores"], data="one", arm="from nothing")["seconds"] == 10


def test_a_difference_is_that_of_a_paired_comparison(results, out):
    study = read_study(out / "study.yaml")
    arm = "supervised, then REINFORCE"
    items = {
        Run("one", cell.arm, 1.0, cell.seed): Items.mean(values_of(cell))
        for cell in plan(study)
        if (cell.kind, cell.data, cell.share) == ("score", "one", 1.0)
    }
    found = one(results["differences"], data="one", arm=arm, against="supervised")
    estimate = Drawn(items).difference(arm, "supervised")
    assert (found["low"], found["high"]) == pytest.approx(estimate.interval(), rel=1e-12)
    assert found["mean"] == pytest.approx(np.mean(found["seeds"]))
    assert found["mean"] == pytest.approx(0.2, abs=0.01)
    # Texts differ by 0.12, the paired difference by 0.03 only: the interval shows the latter.
    assert found["high"] - found["low"] < 0.05
    assert isinstance(estimate, Estimate)
    assert found["verdict"] == "better"
    assert found["poi"] == {"mean": 1, "low": 1, "high": 1}
    assert one(results["differences"], data="two", arm="from nothing")["verdict"] == "worse"


def test_correction_is_over_the_data_sets_of_one_arm(results):
    pairs = named(results["differences"], arm="supervised, then REINFORCE", against="supervised")
    low, high = sorted(pairs, key=lambda pair: pair["p"])
    assert low["p_corrected"] == pytest.approx(2 * low["p"])
    assert high["p_corrected"] == pytest.approx(max(2 * low["p"], high["p"]))
    tuned = one(results["differences"], arm="tuned")
    assert tuned["p_corrected"] == tuned["p"]


def test_without_repeats(results):
    found = one(results["differences"], data="one", arm="from nothing", against="supervised")
    assert found["without_repeats"]["items_left"] == 56
    assert found["without_repeats"]["mean"] != found["mean"]
    assert found["without_repeats"]["mean"] == pytest.approx(found["mean"], abs=0.01)
    assert found["without_repeats"]["verdict"] == "worse"
    assert one(results["differences"], data="two", arm="from nothing")["without_repeats"] is None


def test_repeats_of_another_test_set(tmp_path):
    out = fill(tmp_path)
    (out / "data" / "one").mkdir(parents=True)
    (out / "data" / "one" / "repeats.json").write_text('{"test_rows_repeated": [3, 60]}')
    with pytest.raises(ValueError, match=r"one/repeats.json: .* has row 60: 60 texts were scored"):
        write(out)


def test_reinforcement_is_compared_with_the_best_arm_without_it_on_dev(tmp_path):
    out = fill(tmp_path)
    rows = [json.loads(line) for line in (out / "rows.jsonl").read_text().splitlines()]
    for row in rows:
        if row["kind"] == "score" and row["arm"] == "tuned":
            row["dev"] = {"accuracy": 0.7}
    (out / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    best = [d for d in results_of(out)["differences"] if d["against"] != "supervised"]
    assert [(d["data"], d["arm"], d["against"]) for d in best] == [
        ("one", "supervised, then REINFORCE", "tuned"),
        ("one", "from nothing", "tuned"),
    ]


def test_across(results):
    found = one(results["across"], arm="supervised, then REINFORCE")
    assert (found["better"], found["worse"], found["none"], found["data"]) == (2, 0, 0, 2)
    assert found["improvement"] == {"mean": 1, "low": 1, "high": 1}
    reference = one(results["across"], arm="supervised")
    assert reference["improvement"] == {"mean": None, "low": None, "high": None}
    assert reference["low"] <= reference["iqm"] <= reference["high"]
    assert one(results["across"], arm="tuned")["data"] == 1


def test_curves_efficiency_errors_and_tries(results):
    assert {curve["arm"] for curve in results["curves"]} == set(GAIN) - {"tuned"}
    curve = named(results["curves"], data="one", arm="supervised")[1]
    assert curve["points"][1] == {"texts": 32, "tokens": 320, "seconds": 3.2, "metric": 0.5}
    assert (curve["start"]["tokens"], curve["start"]["seconds"]) == (320, 10)
    point = {"texts": 32, "tokens": 320, "seconds": 3.2, "metric": 0.5}
    assert curve["start"]["points"][1] == point
    assert named(results["curves"], arm="from nothing")[0]["start"] is None
    shares = [(row["share"], row["gold_texts"]) for row in results["efficiency"]]
    assert shares == [(0.25, 10), (1.0, 40)]
    assert results["efficiency"][0]["mean"] < results["efficiency"][1]["mean"]
    assert one(results["errors"], data="one", arm="tuned")["missed"] == 1
    tried = named(results["tries"], data="one", arm="supervised")
    assert [row["chosen"] for row in tried] == [False, True]
    assert tried[0]["dev_seeds"] == pytest.approx([0.6, 0.61, 0.62])
    assert tried[0]["dev_mean"] == pytest.approx(0.61)


def test_labels(results, out):
    rows = named(results["labels"], data="one", arm="from nothing")
    assert [(row["label"], row["train_count"]) for row in rows] == [("a", 9), ("b", 1)]
    study = read_study(out / "study.yaml")
    for arm, name in (("from nothing", "f1"), ("supervised", "f1_reference")):
        means = [
            (values_of(cell) > 0.5).mean()
            for cell in plan(study)
            if (cell.kind, cell.data, cell.arm, cell.share) == ("score", "one", arm, 1)
        ]
        assert rows[0][name] == pytest.approx(np.mean(means))
    assert rows[0]["low"] < rows[0]["f1"] - rows[0]["f1_reference"] < rows[0]["high"] < 0
    assert (rows[1]["f1"], rows[1]["low"], rows[1]["high"]) == (1, 0, 0)


def test_the_same_figures_again(results, out):
    assert results_of(out) | {"made": results["made"]} == results


def test_what_the_study_no_longer_has_is_in_no_figure(tmp_path):
    def study(out, **changes):
        text = STUDY
        for old, new in changes.values():
            assert old in text
            text = text.replace(old, new)
        (out / "study.yaml").write_text(text)

    seeds = ("seeds: [0, 1, 2]", "seeds: [0, 1]")
    arm = ("  from nothing:\n", "  other:\n")
    whole, left = (fill(tmp_path / name) for name in ("whole", "left"))
    rows = [json.loads(line) for line in (left / "rows.jsonl").read_text().splitlines()]
    kept = [row for row in rows if row["seed"] < 2 and row["arm"] != "from nothing"]
    (left / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in kept))
    for out in (left, whole):
        study(out, seeds=seeds, arm=arm)
    ours, theirs = results_of(whole), results_of(left)
    for part in ("scores", "differences", "across", "curves", "efficiency", "labels", "tries"):
        assert ours[part] == theirs[part]
    assert {row["arm"] for row in ours["scores"]} == {*GAIN} - {"from nothing"}
    assert len(ours["differences"][0]["seeds"]) == 2


def test_a_score_of_another_choice_is_in_no_figure(tmp_path):
    out = fill(tmp_path / "out")
    rows = [json.loads(line) for line in (out / "rows.jsonl").read_text().splitlines()]
    old = one(rows, kind="score", data="two", arm="supervised", seed=2)
    old["chosen"] = {"learning_rate": 1.0e-4}
    (out / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    score = one(results_of(out)["scores"], data="two", arm="supervised")
    assert (len(score["seeds"]), score["chosen"]) == (2, {"learning_rate": 2.0e-4})


def test_nothing_done(tmp_path):
    out = fill(tmp_path, kinds=())
    results = results_of(out)
    assert results["cells"]["done"] == 0
    for part in ("scores", "differences", "across", "curves", "efficiency", "errors", "tries"):
        assert results[part] == []
    assert results["data"][0]["repeats"] is None
    assert results["data"][0]["texts"] == {"train": None, "dev": None, "test": None}
    assert table(results).splitlines()[0].startswith("| data | metric |")


def test_grid_done_and_nothing_scored(tmp_path):
    results = results_of(fill(tmp_path, kinds=("warm", "train")))
    assert results["scores"] == results["curves"] == []
    assert sum(row["chosen"] for row in results["tries"]) == 6


def test_one_seed_has_no_interval_and_sees_no_difference(tmp_path):
    out = fill(tmp_path, only=lambda c: c.kind != "score" or (c.seed == 1 and c.data == "one"))
    results = results_of(out)
    found = one(results["differences"], arm="from nothing", against="supervised")
    assert (found["low"], found["high"], found["p"]) == (None, None, 1)
    assert found["verdict"] == "no difference seen"
    assert found["mean"] == pytest.approx(-0.3, abs=0.02)
    assert {row["data"] for row in results["scores"]} == {"one"}
    assert results["cells"]["done"] < results["cells"]["planned"]
    assert "-0.3" in table(results)


def test_only_common_seeds_are_paired(tmp_path):
    def scored(cell):
        return cell.arm != "from nothing" or cell.kind != "score" or cell.seed != 0

    results = results_of(fill(tmp_path, only=scored))
    found = one(results["differences"], data="two", arm="from nothing", against="supervised")
    reference = one(results["scores"], data="two", arm="supervised")["seeds"]
    mine = one(results["scores"], data="two", arm="from nothing")["seeds"]
    assert len(reference) == 3
    assert found["seeds"] == pytest.approx([mine[0] - reference[1], mine[1] - reference[2]])


def test_table(results):
    lines = table(results).splitlines()
    assert lines[0] == (
        "| data | metric | supervised | tuned | supervised, then REINFORCE | from nothing |"
    )
    assert len(lines) == 4
    scored = one(results["scores"], data="one", arm="supervised")["test"]
    assert lines[2].startswith(f"| one | accuracy | {scored:.4f} | +0.0")
    assert lines[2].endswith("] worse |")
    assert lines[3].split("|")[4].strip() == ""


def test_commands_name_no_folder_of_one_machine(tmp_path):
    from lingym.scripts.compare.cell_work import Given
    from lingym.scripts.compare.summary import _commands

    out, data = tmp_path / "out", tmp_path / "data"
    out.mkdir()
    Given(data=data).write(out)
    command = f"lingym train --out {out}/cells/a/warm --train {data}/a/train.jsonl"
    compare = f"lingym bench compare {out}2/s.yaml --out {out}"
    rows = [{"cell": "a/warm", "command": command}, {"cell": "a/score", "command": compare}]
    rows.append({"cell": "a/tune"})
    assert _commands(rows, out) == {
        "a/warm": "lingym train --out $OUT/cells/a/warm --train $LINGYM_DATA/a/train.jsonl",
        "a/score": f"lingym bench compare {out}2/s.yaml --out $OUT",
        "a/tune": None,
    }
