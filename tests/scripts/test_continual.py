"""A sequence of corpora by command: every method and agent, broken off and gone on, the report."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.torch import load_file
from scipy.stats import chisquare

from lingym.agents import Labeller, Reservoir, evaluate, predict_labels
from lingym.scripts import continual_run
from lingym.scripts.cli import main, parse
from lingym.scripts.continual import Continual
from lingym.scripts.continual_data import read
from lingym.scripts.continual_measures import measures, summarised
from lingym.scripts.continual_routes import confident_labels, routed
from lingym.scripts.continual_run import Course
from lingym.scripts.continual_sequence import load_sequence
from lingym.scripts.train import Train

COMMON = "--task classification --encoder tiny --max-tokens 16 --batch-size 4 --rollout 8"
HARSH = "--learning-rate 3e-3 --device cpu --seeds 0 --memory 10 --fisher-texts 8 --no-keep-best"
STAGES = {"one": ("red", "blue"), "two": ("cat", "dog"), "three": ("red", "cat")}


@pytest.fixture(scope="module")
def sequence(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three stages of texts whose words name their labels; the third has labels of both others."""
    folder = tmp_path_factory.mktemp("sequence")
    tables = []
    for name, labels in STAGES.items():
        for split, count in (("train", 16), ("dev", 8), ("test", 6)):
            rows = (
                {"text": f"{name} {labels[n % 2]} {split} {n}", "label": labels[n % 2]}
                for n in range(count)
            )
            text = "".join(json.dumps(row) + "\n" for row in rows)
            (folder / f"{name}-{split}.jsonl").write_text(text)
        files = "".join(f'{s} = "{name}-{s}.jsonl"\n' for s in ("train", "dev", "test"))
        tables.append(f"[{name}]\n{files}episodes = 16\n")
    (folder / "all.toml").write_text("\n".join(tables))
    (folder / "two.toml").write_text("\n".join(tables[:2]))
    return folder


def run(file: Path, out: Path, more: str) -> dict[str, Any]:
    main(f"continual {file} --out {out} {COMMON} {HARSH} --eval-every 99 {more}".split())
    found: dict[str, Any] = json.loads((out / "matrix.json").read_text())
    return found


@pytest.fixture(scope="module")
def whole(sequence: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All methods on three stages, never broken off."""
    out = tmp_path_factory.mktemp("whole")
    methods = "--method none rehearsal ewc adapters joint --score-test"
    run(sequence / "all.toml", out, f"--agent supervised {methods}")
    return out


def test_all_methods_are_measured_on_all_stages_after_each(whole: Path) -> None:
    found = json.loads((whole / "matrix.json").read_text())
    by = {row["method"]: row for row in found["methods"]}
    assert [*by] == ["none", "rehearsal", "ewc", "adapters", "joint"]
    for row in found["methods"]:
        own = row["runs"][0]
        assert np.array(own["matrix"][-1]).shape == (3,) and len(own["test"]) == 3
        assert own["measures"] == measures(own["matrix"], own["start"])
    firsts = [by[name]["matrix"][0] for name in ("none", "rehearsal", "ewc")]
    assert firsts[0] == firsts[1] == firsts[2]  # they begin alike, with one run
    assert [p.name for p in sorted((whole / "ewc" / "seed-0").iterdir())] == [
        *("2-two", "3-three", "test.json"),
    ]
    # A column is constant from its stage on, to the last bit: nothing is forgotten.
    matrix = by["adapters"]["matrix"]
    assert all(matrix[i][j] == matrix[j][j] for j in range(3) for i in range(j, 3))
    assert by["adapters"]["measures"]["forgetting"]["mean"] <= 0
    assert by["joint"]["matrix"][:2] == [None, None]
    assert by["joint"]["measures"].keys() == {"average", "test"}
    assert found["stages"][2]["labels"] == ["cat", "red"]
    # Texts of one epoch: as many old ones as new, and all at once.
    texts = {name: [t["episodes"] for t in row["runs"][0]["training"]] for name, row in by.items()}
    assert texts["rehearsal"] == [16, 32, 32] and texts["none"] == [16] * 3
    assert texts["joint"] == [48]


def test_adapters_leave_earlier_models_as_they_are(whole: Path) -> None:
    runs = sorted((whole / "adapters" / "seed-0").glob("*/model"))
    sizes = {run.parent.name: (run / "tuned.safetensors").stat().st_size for run in runs}
    assert [*sizes] == ["1-one", "2-two", "3-three"]
    heads = [load_file(run / "policy.safetensors")["label_head.weight"] for run in runs]
    assert not np.array_equal(heads[0], heads[1])


def test_held_weights_move_otherwise_and_information_adds_up(whole: Path) -> None:
    free, held = (
        load_file(whole / name / "seed-0" / "2-two" / "model" / "policy.safetensors")
        for name in ("none", "ewc")
    )
    assert not np.array_equal(free["label_head.weight"], held["label_head.weight"])
    one, two = (
        load_file(whole / place / "fisher.safetensors")
        for place in ("first/seed-0/1-one", "ewc/seed-0/2-two")
    )
    assert one.keys() == two.keys()
    assert all((two[name] >= one[name]).all() for name in one)  # decay 1: a sum of squares
    assert not (whole / "ewc/seed-0/3-three/fisher.safetensors").exists()  # nothing comes after


def test_the_report_tells_every_matrix(whole: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = json.loads((whole / "matrix.json").read_text())
    page, text = ((whole / f"report.{end}").read_text() for end in ("html", "md"))
    for row in found["methods"]:
        for scores in (*row["matrix"], row["test"]):
            for value in scores or ():
                assert f"{value:.3f}" in page and f"{value:.3f}" in text
    assert "figures/forgetting.svg" in text and 'src="http' not in page
    assert (whole / "forgetting.png").stat().st_size > 10_000


def test_broken_off_and_gone_on_is_the_same(
    sequence: Path, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, calls = continual_run.run_once, []

    def killed(arguments: Train, **more: Any) -> Any:
        calls.append(arguments.out)
        if len(calls) == 2:
            (arguments.out / "model").mkdir(parents=True)
            raise KeyboardInterrupt
        return real(arguments, **more)

    methods = "--agent supervised --method ewc"
    monkeypatch.setattr(continual_run, "run_once", killed)
    with pytest.raises(KeyboardInterrupt):
        run(sequence / "all.toml", tmp_path, methods)
    monkeypatch.setattr(continual_run, "run_once", real)
    (tmp_path / "first/seed-0/1-one/metrics.json").unlink()  # as if killed in that run
    found = run(sequence / "all.toml", tmp_path, methods)
    wanted = json.loads((whole / "matrix.json").read_text())
    by = {row["method"]: row for row in wanted["methods"]}
    for row in found["methods"]:
        assert row["matrix"] == by[row["method"]]["matrix"]
        assert row["start"] == by[row["method"]]["start"]
    trained: list[Path] = []
    monkeypatch.setattr("lingym.scripts.sweep.train", lambda a, **_: trained.append(a.out))
    assert run(sequence / "all.toml", tmp_path, methods)["methods"] == found["methods"]
    assert not trained
    with pytest.raises(SystemExit, match=r"other options \(they differ in memory\)"):
        run(sequence / "all.toml", tmp_path, f"{methods} --memory 11")


@pytest.mark.parametrize("agent", ["ppo", "reinforce"])
def test_reinforcement_goes_through_a_sequence_too(
    sequence: Path, tmp_path: Path, agent: str
) -> None:
    more = f"--agent {agent} --method rehearsal ewc adapters --reward accuracy"
    found = run(sequence / "two.toml", tmp_path, more)
    by = {row["method"]: np.array(row["matrix"]) for row in found["methods"]}
    assert all(matrix.shape == (2, 2) for matrix in by.values())
    assert by["adapters"][0, 0] == by["adapters"][1, 0]
    config = json.loads((tmp_path / "ewc/seed-0/2-two/config.json").read_text())["arguments"]
    assert config["agent"] == agent and config["warm_start"].endswith("first/seed-0/1-one")


def test_labels_of_its_own_are_all_that_a_stages_texts_get(sequence: Path, tmp_path: Path) -> None:
    found = run(sequence / "all.toml", tmp_path, "--agent supervised --label-space own")
    assert found["metric"] == "mean"
    stages, data = opened(sequence / "all.toml", own=True)
    names = data.space.names
    assert len(names) == 6 and {*names} == {f"{n}/{k}" for n, ks in STAGES.items() for k in ks}
    policy = Labeller.load(tmp_path / "none/seed-0/2-two", "cpu").policy
    for stage in stages:
        given = predict_labels(policy, data.dev[stage.name])
        assert {names[k].split("/")[0] for k in given.ravel()} == {stage.name}
        place = [s.name for s in stages].index(stage.name)
        own = evaluate(policy, data.dev[stage.name])["mean"]
        assert found["methods"][0]["matrix"][1][place] == own


def opened(file: Path, own: bool = False) -> Any:
    common = Train(out=file.parent / "none", task="classification", encoder="tiny", max_tokens=16)
    stages = load_sequence(file, common)
    return stages, read(stages, common, own)


def test_the_most_confident_labels_a_text(sequence: Path, whole: Path) -> None:
    _, data = opened(sequence / "all.toml")
    texts = data.dev["three"]
    runs = sorted((whole / "adapters" / "seed-0").glob("[12]-*"))
    models = [Labeller.load(run, "cpu").policy for run in runs]
    found = [confident_labels(model, texts) for model in models]
    for model, (labels, sure) in zip(models, found, strict=True):
        assert np.array_equal(labels, predict_labels(model, texts)) and (sure <= 0).all()
    chosen = [max(found, key=lambda each, n=n: each[1][n])[0][n] for n in range(len(texts))]
    right = np.mean([c[0] == g for c, g in zip(chosen, texts.gold, strict=True)])
    assert routed(models, texts)["accuracy"] == pytest.approx(right)
    assert routed(models[:1], texts) == evaluate(models[0], texts)


def test_rehearsed_texts_are_old_ones_in_their_share(sequence: Path) -> None:
    stages, data = opened(sequence / "all.toml")
    for share, wanted in ((0.5, 16), (0.2, 4), (0.75, 48)):
        asked = Continual(sequence / "all.toml", data.common, ("rehearsal",), rehearsal=share)
        course = Course(asked, stages, data, "accuracy", "rehearsal", 3)
        memory = Reservoir[tuple[str, int]](10, np.random.default_rng(0))
        for number in range(16):
            memory.add(("one", number))
        drawn = course.rehearsed(memory, 16, 1)
        assert len(drawn) == wanted and drawn == course.rehearsed(memory, 16, 1)
        held = {data.train["one"][number].units for _, number in memory.items}
        seen = [text.units for text in drawn]
        counts = [seen.count(units) for units in held]
        assert set(seen) <= held and max(counts) - min(counts) <= 1


def test_the_memory_is_a_uniform_draw_of_all_stages() -> None:
    kept = np.zeros(30)
    for seed in range(1500):
        memory = Reservoir[int](6, np.random.default_rng([seed, 0]))
        for text in range(30):  # three stages of ten texts, one after another
            memory.add(text)
        assert len({*memory.items}) == 6
        kept[memory.items] += 1
    assert kept.sum() == 1500 * 6 and chisquare(kept).pvalue > 0.01


def test_measures_by_hand() -> None:
    matrix = [[0.8, 0.2, 0.1], [0.9, 0.7, 0.3], [0.5, 0.6, 0.9]]
    found = measures(matrix, [0.3, 0.1, 0.05])
    assert found == {
        "average": pytest.approx(2.0 / 3),
        "learned": pytest.approx((0.8 + 0.7 + 0.9) / 3),
        "backward": pytest.approx(((0.5 - 0.8) + (0.6 - 0.7)) / 2),
        "forgetting": pytest.approx(((0.9 - 0.5) + (0.7 - 0.6)) / 2),
        "forward": pytest.approx(((0.2 - 0.1) + (0.3 - 0.05)) / 2),
    }
    alone = measures([None, None, matrix[2]], [0, 0, 0])
    assert [name for name, value in alone.items() if value is not None] == ["average"]
    for wrong in ([[0.5]], [[0.1, 0.2], None], [[0.1], [0.2]]):
        with pytest.raises(ValueError, match="wanted"):
            measures(wrong, [0.0, 0.0])


def test_seeds_are_averaged_and_paired() -> None:
    def runs(*last: float) -> list[dict[str, Any]]:
        cost = [{"seconds": 1.0}]
        return [
            {"seed": n, "start": [0, 0], "matrix": [[1, 0], [v, v]], "training": cost}
            for n, v in enumerate(last)
        ]

    rows = summarised({"none": runs(0.2, 0.4), "ewc": runs(0.5, 0.6)})
    assert rows[0]["matrix"] == [[1, 0], [pytest.approx(0.3)] * 2] and "difference" not in rows[0]
    assert rows[1]["difference"]["values"] == [pytest.approx(0.3), pytest.approx(0.2)]
    low, high = (rows[1]["difference"][end] for end in ("low", "high"))
    half = 12.7062 * np.std([0.3, 0.2], ddof=1) / np.sqrt(2)  # Student's t of one degree
    assert (low, high) == (pytest.approx(0.25 - half, 1e-4), pytest.approx(0.25 + half, 1e-4))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[a]\ntrain = 'x.jsonl'", "a sequence is two or more tables, got 1"),
        ("a = 1\nb = 2", r"\[a\] must be a table"),
        ("[a]\ntrain = 'x'\n[b]\nepisodes = 3", r"\[b\] must say its corpus, or its files"),
        ("[a]\ntrain = 'x'\nseed = 3\n[b]", r"\[a\] has no use for seed$"),
        ("[a]\ntrain = 'x'\nencoder = 'tiny'\n[b]", "no use for encoder .it holds for all stages"),
        ("[a]\ntrain = 'x'\nepisodes = 'many'\n[b]", r"\[a\]: episodes must be a whole number"),
        ("[a]\ntrain = 'x'\nepisodes = 0\n[b]", r"\[a\]: --episodes must be 1 or more"),
        ("['a/b']\ntrain = 'x'\n[b]", "a name is letters, digits"),
        ("[a", "all.toml: "),
    ],
)
def test_files_that_are_no_sequence(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "all.toml").write_text(text)
    with pytest.raises(ValueError, match=words):
        load_sequence(tmp_path / "all.toml", Train(out=tmp_path / "out"))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--train x.jsonl", "--train is not for lingym continual: each stage's table names"),
        ("--seed 3", "--seed is not for lingym continual: say --seeds"),
        ("--task multitask", "a sequence has one task"),
        ("--method none none", "--method is .* each once"),
        ("--seeds -1", "--seeds must be 0 or more, got -1"),
        ("--memory 0", "--memory must be 1 or more, got 0"),
        ("--rehearsal 1", "--rehearsal must be between 0 and 1"),
        ("--ewc-lambda -1", "--ewc-lambda must be 0 or more"),
        ("--ewc-decay 2", r"--ewc-decay must be in \[0, 1\]"),
        ("--method adapters --tune full", "needs --tune adapter or lora"),
        ("--label-space own --route confident", "--route confident is for --label-space shared"),
        ("--label-space own --metric accuracy", "--metric is for --label-space shared"),
        ("--metric macro_g1", "no metric 'macro_g1': one of"),
    ],
)
def test_options_that_make_no_sequence(
    sequence: Path, tmp_path: Path, words: str, message: str
) -> None:
    first = "" if "--task" in words else "--task classification"
    with pytest.raises(SystemExit, match=message):
        file = sequence / "all.toml"
        main(f"continual {file} --out {tmp_path} --encoder tiny {first} {words}".split())


def test_a_stage_has_options_of_its_own(tmp_path: Path) -> None:
    text = "[a]\ntrain = 'x.jsonl'\nagent = 'supervised'\n[b]\ntrain = '/y.jsonl'\nsamples = 2\n"
    (tmp_path / "all.toml").write_text(text)
    words = f"continual {tmp_path / 'all.toml'} --out out --samples 8 --reward accuracy --agent ppo"
    asked: Any = parse(words.split())
    one, two = load_sequence(asked.sequence, asked.train)
    assert (one.arguments.agent, one.arguments.samples, one.arguments.reward) == (
        *("supervised", Train.samples, None),
    )
    assert (two.arguments.agent, two.arguments.samples) == ("ppo", 2)
    assert two.arguments.reward == "accuracy" and two.arguments.train == "/y.jsonl"
    assert one.arguments.train == str(tmp_path / "x.jsonl")


def test_a_stage_without_dev_texts_is_refused(sequence: Path) -> None:
    lines = (sequence / "two.toml").read_text().replace('dev = "two-dev.jsonl"\n', "")
    (sequence / "lacking.toml").write_text(lines)
    with pytest.raises(ValueError, match="stage two has no dev texts"):
        opened(sequence / "lacking.toml")
