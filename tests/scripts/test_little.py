"""Little data by command: few-shot runs, zero-shot by a prompt, heads of names, and the curves."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lingym.scripts.arguments import TaskOptions
from lingym.scripts.bench_few_shot import FURTHER, SAME, SUPERVISED, FewShotCurves
from lingym.scripts.cli import main
from lingym.scripts.few_shot_results import interval, results, table
from lingym.scripts.options_augment import Augmenting
from lingym.scripts.options_little import LittleData
from lingym.scripts.train import Train
from lingym.scripts.training import read, task_and_corpus, train, used
from tests.policies.masked import made_corpus, save_masked

PROMPT = "negative=bad,poor positive=good,great"
COMMANDS = "synthetic:commands?train=120&dev=5&test=5"
PATTERN = "{text} it was {mask} ."


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("little")
    save_masked(folder / "encoder")
    corpus = made_corpus(90, 1)
    for name in ("train", "dev", "test"):
        rows = getattr(corpus, name)
        lines = [json.dumps(dict(row.fields)) for row in rows]
        (folder / f"{name}.jsonl").write_text("\n".join(lines))
    return folder


def test_few_shot_is_drawn_after_the_limits_and_by_its_own_seed(tmp_path: Path) -> None:
    def texts(limit: int | None = None, seed: int = 0, **little: int | None) -> list[str]:
        given = LittleData(**little)  # type: ignore[arg-type]
        run = Train(out=tmp_path, corpus=COMMANDS, train_limit=limit, seed=seed)
        run = replace(run, task="classification", encoder="tiny", little=given)
        task, corpus = task_and_corpus(run)
        examples = task.read({"train": corpus.train})["train"]
        return [example.units[0] for example in used(run, task, "train", examples)]

    four, two = texts(few_shot=4), texts(few_shot=2)
    assert four[: len(two)] == two and len(four) == 2 * len(two)
    assert texts(few_shot=4, seed=1) != four == texts(few_shot=4, seed=1, few_shot_seed=0)
    assert set(texts(limit=40, few_shot=2)) <= set(texts(limit=40))
    run = Train(out=tmp_path, corpus=COMMANDS, encoder="tiny")
    run = replace(run, task="classification", little=LittleData(few_shot=2))
    assert len(read(run)["train"]) == len(two)


@pytest.mark.parametrize("abstain", [False, True])
def test_drawn_texts_are_augmented_with_their_pattern(
    files: Path, tmp_path: Path, abstain: bool
) -> None:
    """Few texts are drawn first, then changed; a pattern stands around a copy, too."""
    little = LittleData(few_shot=3, pattern=PATTERN, verbaliser=PROMPT)
    little = LittleData(few_shot=3) if abstain else little
    run = Train(out=tmp_path, train=str(files / "train.jsonl"), encoder=str(files / "encoder"))
    run = replace(run, task="classification", little=little, options=TaskOptions(abstain=abstain))
    drawn = read(run)["train"].examples
    more = read(replace(run, augmenting=Augmenting("deleted_words(0.4)", 2.0)))["train"].examples
    assert [each.units for each in more[:6]] == [each.units for each in drawn] and len(more) == 18
    for place, copy in enumerate(more[6:]):
        original = more[place // 2]
        here, there = copy.units[0].split(), original.units[0].split()
        assert len(here) < len(there) and set(here) <= set(there)
        assert copy.gold == original.gold
        clozes = [[each.cloze for each in text.read(False)] for text in (copy, original)]
        assert clozes[0] == clozes[1] and (clozes[0][0] is None) == abstain


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--few-shot 0", "--few-shot must be 1 or more, got 0"),
        ("--few-shot-seed 1", "--few-shot-seed means something with --few-shot only"),
        ("--pattern x --verbaliser a=b", "--pattern is for --task classification and relation"),
        ("--task classification --pattern x", "--pattern needs --verbaliser beside it"),
        ("--task relation --verbaliser a=b", "--verbaliser needs --pattern beside it"),
        ("--zero-shot", "--zero-shot measures a policy that is not trained"),
        ("--label-names x.tsv", "--label-names means something with --head-init names only"),
        ("--head-init names --warm-start x", "a warm start brings its own head"),
    ],
)
def test_options_that_mean_nothing_are_refused_first(
    tmp_path: Path, words: str, message: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(f"train --out {tmp_path / 'run'} --train {tmp_path / 'none.txt'} {words}".split())
    assert message in str(ended.value)


def test_zero_shot_needs_no_training_text_and_is_a_run_like_another(
    files: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    words = ["train", "--out", str(out), "--task", "classification", "--zero-shot"]
    words += ["--encoder", str(files / "encoder"), "--test", str(files / "test.jsonl")]
    words += ["--pattern", PATTERN, "--verbaliser", PROMPT, "--max-tokens", "32"]
    main([*words, "--device", "cpu"])
    metrics = json.loads((out / "metrics.json").read_text())
    assert metrics["test"]["accuracy"] > 0.9 and metrics["training"]["episodes"] == 0
    capsys.readouterr()
    main(["evaluate", str(out), "--data", str(files / "test.jsonl"), "--json", "--device", "cpu"])
    assert json.loads(capsys.readouterr().out) == pytest.approx(metrics["test"])
    with pytest.raises(SystemExit, match="a correction has a linear head: go on from it with"):
        main(["train", "--task", "classification", "--residual", str(out), "--out", f"{out}2"])
    further = Train(
        out=tmp_path / "more",
        task="classification",
        warm_start=out,
        agent="reinforce",
        reward="bandit",
        gamma=0.0,
        train=str(files / "train.jsonl"),
        test=str(files / "test.jsonl"),
        episodes=16,
        max_tokens=32,
        device="cpu",
    )
    assert train(further)["test"]["accuracy"] > 0.9  # its pattern and its words came along


def test_a_head_begins_with_names_from_a_file_or_with_prototypes_and_is_kept(
    files: Path, tmp_path: Path
) -> None:
    names = tmp_path / "names.tsv"
    names.write_text("negative\tdull awful boring silly\npositive\tbright lovely funny clever\n")
    shared = Train(
        out=tmp_path / "names",
        task="classification",
        encoder=str(files / "encoder"),
        pooling="mean",
        train=str(files / "train.jsonl"),
        test=str(files / "test.jsonl"),
        max_tokens=32,
        device="cpu",
        little=LittleData(zero_shot=True, head_init="names", label_names=names),
    )
    assert train(shared)["test"]["accuracy"] > 0.8
    little = LittleData(zero_shot=True, head_init="prototypes", few_shot=4)
    run = replace(shared, out=tmp_path / "like", little=little)
    assert train(run)["test"]["accuracy"] > 0.8
    hidden = replace(run, out=tmp_path / "hidden", agent="reinforce", reward="bandit", gamma=0.0)
    with pytest.raises(ValueError, match="prototypes need texts with gold labels"):
        train(hidden)


def test_curves_are_drawn_and_no_run_is_done_twice(files: Path, tmp_path: Path) -> None:
    shared = Train(
        out=tmp_path / "curves",
        task="classification",
        encoder=str(files / "encoder"),
        train=str(files / "train.jsonl"),
        dev=str(files / "dev.jsonl"),
        test=str(files / "test.jsonl"),
        episodes=16,
        batch_size=8,
        rollout=16,
        samples=2,
        max_tokens=32,
        device="cpu",
        little=LittleData(pattern=PATTERN, verbaliser=PROMPT),
    )
    bench = FewShotCurves(shared, shots=(2,), draws=(0, 1), further=8)
    bench.run()
    rows = [json.loads(line) for line in (shared.out / "rows.jsonl").read_text().splitlines()]
    assert len(rows) == 6 * 2
    told = {(r["arm"], r["shots"], r["labels"], r["verdicts"]) for r in rows}
    assert {(SUPERVISED, 2, 4, 0), (SAME, 2, 0, 32), (FURTHER, 2, 4, 8)} <= told
    zero = [row["value"] for row in rows if row["arm"] == "prompt"]
    assert min(zero) > 0.9
    assert (shared.out / "few-shot.png").stat().st_size > 10_000
    folders = sorted((shared.out / "runs").iterdir())
    before = {folder: (folder / "metrics.json").stat().st_mtime_ns for folder in folders}
    bench.run()
    assert before == {f: (f / "metrics.json").stat().st_mtime_ns for f in folders}
    found = json.loads((shared.out / "results.json").read_text())
    assert found == results(rows)
    text = (shared.out / "few-shot.md").read_text()
    assert text == table(found) and "| prompt |" in text


def test_intervals_are_students() -> None:
    low, high = interval([0.5, 0.6, 0.7])
    half = 4.302652729911275 * 0.1 / np.sqrt(3)  # of 2 degrees of freedom, from tables
    assert (low, high) == pytest.approx((0.6 - half, 0.6 + half))
    assert interval([0.5]) == (None, None)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--shots 0", "--shots are [0]"),
        ("--draws 1 1", "--draws are [1, 1]"),
        ("--few-shot 3", "are what is compared"),
        ("--arms prompt", "--arms prompt needs --pattern and --verbaliser"),
        ("--arms other", "--arms: no 'other'"),
        ("--train none.jsonl", "give --dev FILE"),
    ],
)
def test_curves_that_compare_nothing(tmp_path: Path, words: str, message: str) -> None:
    with pytest.raises(SystemExit) as ended:
        main(f"bench few-shot --out {tmp_path / 'out'} {words}".split())
    assert message in str(ended.value)
