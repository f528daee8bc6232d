"""What is done, what is left, what is refused: a study's cells without the work in them."""

import json
import shlex
from dataclasses import replace
from pathlib import Path

import pytest

from lingym.scripts.arguments import Reading, TaskOptions
from lingym.scripts.bench_compare import Compare, selected, verdicts
from lingym.scripts.cli import main, parse
from lingym.scripts.compare import table
from lingym.scripts.compare.cell_work import Given
from lingym.scripts.compare.cells import plan
from lingym.scripts.compare.changed import made_of, refuse_changed
from lingym.scripts.compare.choose import choose
from lingym.scripts.compare.command import command_of
from lingym.scripts.compare.locks import held
from lingym.scripts.compare.progress import duration, finished_line, passes, planned, seconds_left
from lingym.scripts.compare.runner import Runner
from lingym.scripts.compare.study_file import read_study
from lingym.scripts.run_folder import write_json
from lingym.scripts.train import Train
from tests.scripts.compare.tiny_study import TINY, put_row, row_of, write_study


@pytest.fixture
def study(tmp_path):
    return read_study(write_study(tmp_path))


def runner_of(study, out, **parts):
    said = []
    runner = Runner(study.source, study, plan(study), out, Given(), 1, said.append, **parts)
    return runner, said


def test_a_cell_is_ready_when_what_it_needs_is_done(study, tmp_path):
    runner, _ = runner_of(study, tmp_path)
    cells = {cell.id: cell for cell in plan(study)}
    assert [c.id for c in runner.ready(set())] == ["commands/s0/warm", "commands/s1/warm"]
    assert [c.id for c in runner.ready({"commands/s0/warm"})] == ["commands/s1/warm"]
    put_row(cells["commands/s0/warm"], tmp_path)
    runner.refresh()
    ready = [c.id for c in runner.ready(set())]
    assert "commands/s0/supervised/learning_rate=0.001" in ready
    assert "commands/s0/warm" not in ready
    assert all(id.startswith("commands/s0/") or id == "commands/s1/warm" for id in ready)


def test_a_choice_that_changes_undoes_what_rests_on_it(study, tmp_path):
    cells = {cell.id: cell for cell in plan(study)}
    for cell in cells.values():
        settings = {"learning_rate": 1e-3} if cell.chosen else dict(cell.settings)
        choice = {"learning_rate": 1e-3} if cell.kind == "score" or cell.chosen else None
        f1 = 0.9 if settings == {"learning_rate": 1e-3} else 0.5
        put_row(cell, tmp_path, settings=settings, chosen=choice, dev={"entity_f1": f1})
    runner, _ = runner_of(study, tmp_path)
    runner.refresh()
    assert runner.done == set(cells)
    better = cells["commands/s0/rl/learning_rate=0.002"]
    write_json(better.folder(tmp_path) / "row.json", row_of(better, dev={"entity_f1": 1.0}))
    table.collect(tmp_path, [better.folder(tmp_path)])
    runner, _ = runner_of(study, tmp_path)
    runner.refresh()
    undone = {"commands/s1/rl/chosen", "commands/s0/rl/score", "commands/s1/rl/score"}
    assert set(cells) - runner.done == undone


def test_what_others_go_on_from_is_made_again_where_its_folder_is_gone(study, tmp_path):
    warm = plan(study)[0]
    table.append_line(table.rows_file(tmp_path), row_of(warm))
    runner, _ = runner_of(study, tmp_path)
    runner.refresh()
    assert warm.id not in runner.done
    warm.folder(tmp_path).mkdir(parents=True)
    runner.refresh()
    assert warm.id in runner.done


def test_models_that_were_not_chosen_go(study, tmp_path):
    grid = [cell for cell in plan(study) if cell.arm == "RL" and cell.settings]
    for cell in grid:
        put_row(cell, tmp_path, dev={"entity_f1": cell.settings["learning_rate"]})
        (cell.folder(tmp_path) / "model").mkdir()
    for keep, left in ((True, [True, True]), (False, [False, True])):
        runner, said = runner_of(study, tmp_path, keep_models=keep)
        runner.tell(runner.refresh() or table.read(tmp_path))
        assert [(cell.folder(tmp_path) / "model").exists() for cell in grid] == left
        assert len(said) == 2


def test_a_changed_study_is_refused_in_words(study, tmp_path):
    cell = next(cell for cell in plan(study) if cell.arm == "RL" and cell.settings)
    out = tmp_path / "out"
    put_row(cell, out)
    write_json(cell.folder(out) / "cell.json", made_of(cell, study, out, tmp_path))
    table.collect(out, [cell.folder(out)])
    rows = table.read(out)
    refuse_changed(plan(study), study, out, tmp_path, rows)
    text = TINY.replace("samples: 2", "samples: 3").replace("more: 24", "more: 32")
    other = read_study(write_study(tmp_path, text))
    with pytest.raises(ValueError, match="holds 1 cells that were made with other options") as no:
        refuse_changed(plan(other), other, out, tmp_path, rows)
    assert "commands/s0/rl/learning_rate=0.001: " in str(no.value)
    assert "samples 2, now 3" in str(no.value)
    assert "episodes 24, now 32" in str(no.value)
    for harmless in ("threads: 1}", "threads: 2}"), ("seeds: [0, 1]", "seeds: [0, 1, 2]"):
        same = read_study(write_study(tmp_path, TINY.replace(*harmless)))
        refuse_changed(plan(same), same, out, tmp_path, rows)
    moved = tmp_path / "moved"
    out.rename(moved)
    refuse_changed(plan(study), study, moved, tmp_path, rows)


def test_what_a_cell_goes_on_from_is_part_of_it(tmp_path):
    out, file = tmp_path / "out", tmp_path / "train.jsonl"
    file.write_text('{"words": ["a"], "labels": ["O"]}\n')
    corpus = '"synthetic:commands?train=48&dev=16&test=16"'
    text = TINY.replace(f"corpus: {corpus}", f"train: train.jsonl\n    dev: {corpus}\n    test: x")
    study = read_study(write_study(tmp_path, text))
    for cell in plan(study):
        choice = {"learning_rate": 1e-3} if cell.kind == "score" else None
        if not cell.chosen:
            put_row(cell, out, chosen=choice)
            made = made_of(cell, study, out, tmp_path, choice)
            write_json(cell.folder(out) / "cell.json", made)
    table.collect(out, [cell.folder(out) for cell in plan(study)])
    rows = table.read(out)
    refuse_changed(plan(study), study, out, tmp_path, rows)

    def told(changed):
        other = read_study(write_study(tmp_path, changed))
        with pytest.raises(ValueError, match="made with other options") as no:
            refuse_changed(plan(other), other, out, tmp_path, rows)
        return str(no.value)

    warm = told(text.replace("warm: 48", "warm: 56"))
    assert "commands/s0/warm: episodes 48, now 56" in warm
    assert "commands/s0/supervised/learning_rate=0.001: the run that it goes on from was" in warm
    samples = told(text.replace("samples: 2", "samples: 3"))
    assert "commands/s1/rl/score: the run that it goes on from was made with other" in samples
    assert "supervised" not in samples
    file.write_text('{"words": ["b"], "labels": ["O"]}\n')
    assert "commands/s0/warm: other training or dev texts in the files" in told(text)
    for cell in plan(study):  # folders that were made before such sums were kept
        kept = cell.folder(out) / "cell.json"
        if kept.exists():
            before = json.loads(kept.read_text())
            write_json(kept, {n: v for n, v in before.items() if n not in ("from", "texts")})
    refuse_changed(plan(study), study, out, tmp_path, rows)


def test_rows_of_cells_that_the_study_has_no_longer_decide_nothing(study, tmp_path):
    for cell in plan(study):
        if cell.kind in ("warm", "train") and not cell.chosen:
            put_row(cell, tmp_path)
    other = replace(plan(study)[0], id="commands/s0/rl/point-2", kind="train", arm="RL")
    put_row(other, tmp_path, settings={"learning_rate": 2e-3}, dev={"entity_f1": 1.0})
    table.collect(tmp_path, [other.folder(tmp_path)])
    runner, _ = runner_of(study, tmp_path)
    runner.refresh()
    assert other.id in {row["cell"] for row in table.read(tmp_path)}
    assert choose(runner.rows, "commands", "RL", 1.0, study) == {"learning_rate": 1e-3}


def test_a_report_alone_is_of_the_study_that_was_run(tmp_path):
    file, out = write_study(tmp_path), tmp_path / "out"
    out.mkdir()
    (out / "study.yaml").write_bytes(file.read_bytes())
    Compare(file, out, report_only=True).run()
    write_study(tmp_path, TINY.replace("measures: 2", "measures: 3"))
    with pytest.raises(ValueError, match="is not the study that"):
        Compare(file, out, report_only=True).run()


def test_only_takes_what_is_needed_too(study):
    cells = plan(study)
    assert selected(cells, ()) == selected(cells, ("commands",)) == cells
    ids = [cell.id for cell in selected(cells, ("*/s1/supervised/score",))]
    assert ids == [
        "commands/s0/warm",
        "commands/s1/warm",
        "commands/s0/supervised/learning_rate=0.001",
        "commands/s0/supervised/learning_rate=0.002",
        "commands/s1/supervised/chosen",
        "commands/s1/supervised/score",
    ]
    with pytest.raises(ValueError, match="'snips' fits no cell; the data sets are commands"):
        selected(cells, ("snips",))


def test_time_left_goes_by_passes(study):
    cells = plan(study)
    warm = [cell for cell in cells if cell.kind == "warm"]
    assert [passes(cell, study) for cell in (warm[0], cells[2], cells[-1])] == [48, 24, 0]
    assert seconds_left(cells, study, [], 1) is None
    rows = [row_of(warm[0], seconds=96.0)]  # 2 s a pass
    assert seconds_left(warm[1:], study, rows, 1) == pytest.approx(96)
    assert seconds_left(cells[1:3], study, rows, 2) == pytest.approx((96 + 48) / 2)
    assert seconds_left([replace(cells[2], data="other")], study, [], 1) is None
    line = finished_line(3, 12, row_of(warm[0], seconds=3700.4), study, 59.6)
    assert line == " 3/12  commands/s0/warm  1 h 1 min  dev entity_f1 0.5000  about 1 min 0 s left"
    assert [duration(s) for s in (59.4, 90, 7260, 100000)] == [
        *("59 s", "1 min 30 s", "2 h 1 min", "1 d 3 h")
    ]


def test_a_dry_run_shows_cells_and_passes_and_does_nothing(tmp_path, capsys):
    file = write_study(tmp_path)
    main(["bench", "compare", str(file), "--out", str(tmp_path / "out"), "--dry-run"])
    said = capsys.readouterr().out
    assert said.startswith("12 cells, 240 passes\n")
    assert "| commands | RL | 3 | 72 | 0 | 2 |" in said
    assert said.strip() == planned(plan(read_study(file)), read_study(file))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "run",
    [
        Train(out=Path("out")),
        Train(
            out=Path("a folder"),
            train="a.jsonl",
            reading=Reading(labels="slots", columns=(0, -1)),
            options=TaskOptions(words=5, abstain=True),
            warm_start=Path("warm"),
            agent="reinforce",
            reward='0.7*entity_f1(dense=True)+0.3*by_kind(slots="accuracy")',
            constrained=False,
            learning_rate=5e-05,
            kl_coef=0.0,
            keep_best=False,
            autocast=True,
        ),
    ],
)
def test_a_command_line_says_the_whole_run(run):
    assert parse(shlex.split(command_of(run))[1:]) == run


def test_a_lock_is_held_by_one(tmp_path):
    file = tmp_path / "deep" / "lock"
    with held(file) as mine, held(file, wait=False) as other:
        assert mine
        assert not other
    with held(file, wait=False) as mine:
        assert mine


def test_given_is_kept_in_the_folder(tmp_path):
    assert Given.read(tmp_path) == Given()
    given = Given(Path("data"), 2, "a reason", "lingym bench compare x", "abc")
    given.write(tmp_path)
    assert Given.read(tmp_path) == given


def test_the_first_table_of_a_page_is_the_verdicts():
    page = "# Study\n\ntext\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n| c |\n|---|\n"
    assert verdicts(page) == "| a | b |\n|---|---|\n| 1 | 2 |"
