"""`lingym bench encoder`: every method supervised and then by REINFORCE, once, and tabulated."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from lingym.scripts.bench_encoder_runs import BenchRun, estimate, rows_of, selected
from lingym.scripts.bench_encoder_study import EncoderStudy, read_encoder_study
from lingym.scripts.bench_encoder_table import table
from lingym.scripts.cli import main
from lingym.scripts.run_folder import write_json

STUDY = """\
name: small
seeds: [3]
epochs: [2, 1]
defaults: {encoder: tiny, batch_size: 8, train_limit: 16}
reinforce: {reward: "{corpus}", samples: 2}
data:
  commands:
    task: tagging
    corpus: synthetic:commands?train=20&dev=6&test=6
    metric: entity_f1
    rewards: {corpus: corpus_f1}
methods:
  full: {tune: full, learning_rate: 1.0e-3, reinforce: {learning_rate: 1.0e-4}}
  frozen: {tune: frozen, learning_rate: 2.0e-3}
"""


def study_of(folder: Path, text: str = STUDY) -> EncoderStudy:
    file = folder / "study.yaml"
    file.write_text(text, encoding="utf-8")
    return read_encoder_study(file, folder)


def row(run: BenchRun, **values: Any) -> dict[str, Any]:
    """What a run might have measured."""
    whole = {"texts": 16, "parameters_trained": 50, "parameters": 2000, "peak_memory_mb": 300.0}
    names = ("id", "data", "method", "seed", "stage")
    known = {name: getattr(run, name) for name in names}
    more = {"seconds_an_epoch": 1.0, "seconds": 6.0, "texts_read": 16, "metric": "entity_f1"}
    return {**known, **whole, **more, "dev": 0.5, "test": 0.5, "asked": run.asked(), **values}


def put(run: BenchRun, **values: Any) -> None:
    run.train.out.mkdir(parents=True, exist_ok=True)
    write_json(run.train.out / "row.json", row(run, **values))


@pytest.mark.slow
def test_every_method_is_run_once_and_tabulated(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, out = tmp_path / "study.yaml", tmp_path / "out"
    study = study_of(tmp_path)
    main(["bench", "encoder", str(file), "--out", str(out)])
    rows = [json.loads(line) for line in (out / "rows.jsonl").read_text().splitlines()]
    assert [(row["method"], row["stage"]) for row in rows] == [
        (method, stage) for method in ("full", "frozen") for stage in ("supervised", "reinforce")
    ]
    assert all(row["texts"] == 16 and row["peak_memory_mb"] > 50 for row in rows)
    full, after, frozen, kept = rows
    assert full["parameters_trained"] == full["parameters"] == frozen["parameters"]
    assert frozen["parameters_trained"] < full["parameters_trained"] / 10
    assert full["texts_read"] == 32 and after["texts_read"] > 0
    assert frozen["texts_read"] <= 16 and kept["texts_read"] == 0
    told = (out / "table.md").read_text()
    assert told in capsys.readouterr().out
    assert [line.split(" | ")[0] for line in told.splitlines() if line.startswith("| f")] == [
        "| full",
        "| frozen",
    ]
    again = [run.train.out / "row.json" for run in study.runs(out)]
    before = [file.stat().st_mtime_ns for file in again]
    main(["bench", "encoder", str(file), "--out", str(out)])
    assert [file.stat().st_mtime_ns for file in again] == before
    assert "4 of them done" in capsys.readouterr().err


def test_the_second_stage_goes_on_from_the_first(tmp_path: Path) -> None:
    first, second, frozen, last = study_of(tmp_path).runs(tmp_path)
    assert second.needs == first.id and first.needs is None
    assert second.train.warm_start == first.train.out
    assert (first.train.agent, second.train.agent) == ("supervised", "reinforce")
    assert (first.train.learning_rate, second.train.learning_rate) == (1e-3, 1e-4)
    assert last.train.learning_rate == frozen.train.learning_rate == 2e-3
    assert second.train.reward == "corpus_f1" and first.train.reward is None
    assert second.train.encoder is None and first.train.encoder == "tiny"
    assert frozen.train.tuning.tune == last.train.tuning.tune == "frozen"
    assert frozen.train.tuning.feature_cache == str(tmp_path / "features")
    assert first.train.seed == 3 and first.epochs == 2 and second.epochs == 1


def test_only_what_was_asked_for_is_done_and_only_anew_if_it_changed(tmp_path: Path) -> None:
    runs = study_of(tmp_path).runs(tmp_path / "out")
    put(runs[0])
    assert [run.done() for run in runs] == [True, False, False, False]
    changed = study_of(tmp_path, STUDY.replace("1.0e-3", "3.0e-3")).runs(tmp_path / "out")
    assert not changed[0].done()
    longer = study_of(tmp_path, STUDY.replace("[2, 1]", "[3, 1]")).runs(tmp_path / "out")
    assert not longer[0].done()
    assert selected(runs, ()) == runs
    assert selected(runs, ("frozen",)) == runs[2:]
    assert selected(runs, ("*full*/reinforce",)) == runs[:2]  # with what it goes on from
    with pytest.raises(ValueError, match="'lora' fits no run; there are commands, full, frozen"):
        selected(runs, ("lora",))


def test_the_table_tells_medians_ratios_and_ranges(tmp_path: Path) -> None:
    study = study_of(tmp_path, STUDY.replace("[3]", "[0, 1, 2]"))
    runs = study.runs(tmp_path)
    for run in runs:
        cached = run.method == "frozen"
        seconds = {"full": 12.0, "frozen": 0.25}[run.method] + (run.stage == "reinforce")
        filling = cached and run.stage == "supervised" and run.seed == 0
        put(
            run,
            seconds_an_epoch=3.0 if filling else seconds,
            texts_read=0 if cached and not filling else 16,
            test=0.5 + 0.1 * run.seed,
        )
    text = table(study, rows_of(runs, tmp_path))
    cells = "50 (2.50 %) | 300 |"
    metric = "0.6000 [0.5000, 0.7000]"
    assert f"| full | {cells} 12.00 | 1.0 | {metric} | 13.00 | 1.0 | {metric} |" in text
    assert f"| frozen | {cells} 0.25 | 48.0 | {metric} | 1.25 | 10.4 | {metric} |" in text
    assert "frozen: 3.00 s an epoch where features were computed." in text
    assert len((tmp_path / "rows.jsonl").read_text().splitlines()) == 12
    only_full = [row for row in rows_of(runs, tmp_path) if row["method"] == "full"]
    assert "| frozen |" not in table(study, only_full)


def test_the_estimate_is_of_runs_like_those_that_are_done(tmp_path: Path) -> None:
    runs = study_of(tmp_path, STUDY.replace("[3]", "[0, 1]")).runs(tmp_path)
    by_id = {run.id: run for run in runs}
    put(by_id["commands/full/s0/supervised"], seconds=10.0)
    put(by_id["commands/frozen/s0/supervised"], seconds=4.0)
    put(by_id["commands/full/s0/reinforce"], seconds=20.0)
    left = [run for run in runs if not run.done()]
    # The second seeds as the first ones; REINFORCE with frozen as REINFORCE.
    assert estimate(left, runs, 1) == 20.0 + 10.0 + 20.0 + 4.0 + 20.0
    with_trial = study_of(tmp_path).runs(tmp_path / "new")
    assert estimate(with_trial, with_trial, 1) > 4 * 5.0


@pytest.mark.parametrize(
    ("old", "new", "line", "told"),
    [
        ("tune: frozen", "tuned: frozen", 14, "no option 'tuned'"),
        ("[2, 1]", "[2]", 3, "epochs must be two numbers"),
        ("[3]", "[3, 3]", 2, "each once"),
        ("{corpus: corpus_f1}", "{other: corpus_f1}", 1, "no reward {corpus}, which method 'full'"),
        ('"{corpus}"', '"{corpus[0]}"', 1, "is no reward, number"),
        ("epochs: [2, 1]\n", "", 1, "must say its epochs"),
        ("tune: full,", "tune: full, agent: ppo,", 13, "cannot say agent"),
        ('{reward: "{corpus}", samples: 2}', "{samples: 2}", 1, "must say the reward"),
    ],
)
def test_a_wrong_study_is_refused_with_its_line(
    tmp_path: Path, old: str, new: str, line: int, told: str
) -> None:
    assert old in STUDY
    with pytest.raises(ValueError, match=rf"study.yaml:{line}: .*{re.escape(told)}"):
        study_of(tmp_path, STUDY.replace(old, new))


def test_the_study_of_the_table_is_one(root: Path) -> None:
    study = read_encoder_study(root / "studies" / "encoder.yaml", root)
    runs = study.runs(root / "nowhere")
    assert len(runs) == 3 * 3 * 2 * len(study.methods) and study.methods[0].name == "full"
    for run in runs:
        run.train.tuning.check(run.train.agent, run.train.warm_start is not None)
