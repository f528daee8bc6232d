"""The commands as a user types them, on the generated corpus and a tiny encoder."""

import io
import json
import subprocess
import sys
import time

import pytest

import lingym
from lingym.agents import callbacks, evaluate
from lingym.scripts.cli import main

CORPUS = "synthetic:commands?train=96&dev=24&test=24"


@pytest.fixture(scope="module")
def supervised(tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "supervised"
    main(
        f"train --out {out} --corpus {CORPUS} --encoder tiny --agent supervised --episodes 384 "
        "--learning-rate 2e-3 --batch-size 8 --rollout 96 --device cpu".split()
    )
    return out


def test_a_run_folder_says_what_was_asked_and_what_came_of_it(supervised):
    config = json.loads((supervised / "config.json").read_text())
    assert config["arguments"]["corpus"] == CORPUS
    assert config["arguments"]["seed"] == 0
    assert config["versions"].keys() >= {"lingym", "torch", "transformers"}
    metrics = json.loads((supervised / "metrics.json").read_text())
    names = {"entity_f1", "precision", "recall", "accuracy", "macro_f1", "micro_f1"}
    assert metrics["dev"].keys() == metrics["test"].keys() == names
    training = metrics["training"]
    counts = {
        f"encoder_{kind}_{way}" for kind in ("texts", "tokens") for way in ("forward", "backward")
    }
    rates = {"episodes", "steps", "seconds", "steps_per_second", "peak_memory_mb"}
    sizes = {"parameters", "parameters_trained"}
    assert training.keys() == rates | counts | sizes
    assert training["parameters_trained"] == training["parameters"]  # --tune full
    assert training["episodes"] == training["encoder_texts_backward"] == 384
    assert training["encoder_texts_forward"] == training["encoder_tokens_forward"] == 0
    assert metrics["curve"][0]["tokens"] == 0
    assert metrics["curve"][-1]["tokens"] == training["encoder_tokens_backward"] > 384
    assert 50 < training["peak_memory_mb"] < 50_000
    assert metrics["curve"][0]["episodes"] == 0
    assert metrics["curve"][-1]["episodes"] == 384
    assert metrics["curve"][-1]["metrics"]["accuracy"] > metrics["curve"][0]["metrics"]["accuracy"]
    best = max(point["metrics"]["entity_f1"] for point in metrics["curve"])
    assert metrics["dev"]["entity_f1"] == best  # the best policy on dev is the one kept
    assert list((supervised / "tensorboard").rglob("events.*"))
    kinds = {file.suffix for file in (supervised / "model").iterdir()}
    assert kinds == {".json", ".safetensors"}


def test_a_reward_may_be_the_metric(supervised, tmp_path, capsys):
    f2 = "corpus_f1(beta=2)"
    out = tmp_path / "f2"
    words = f"--warm-start {supervised} --corpus {CORPUS} --agent reinforce --reward {f2}"
    rest = "--episodes 48 --rollout 24 --batch-size 8 --eval-every 24 --device cpu"
    main(f"train --out {out} {words} --metric {f2} {rest}".split())
    assert f"metric {f2}: a reward, as a measure of the corpus" in capsys.readouterr().err
    metrics = json.loads((out / "metrics.json").read_text())
    for split in ("dev", "test"):
        p, r = metrics[split]["precision"], metrics[split]["recall"]
        assert metrics[split][f2] == pytest.approx(5 * p * r / (4 * p + r), abs=1e-9)
    best = max(point["metrics"][f2] for point in metrics["curve"])
    assert metrics["dev"][f2] == best
    cost = "cost_matrix(default=2.0)"
    main(["evaluate", str(out), "--data", CORPUS, "--metric", f2, "--metric", cost, "--json"])
    said = json.loads(capsys.readouterr().out)
    assert said[f2] == pytest.approx(metrics["test"][f2], abs=1e-6)
    assert said[cost] < 0
    with pytest.raises(SystemExit, match=r"no metric 'bleu': choose .*; reward 'bleu'"):
        main(["evaluate", str(out), "--data", CORPUS, "--metric", "bleu"])


def test_seconds_are_those_of_learning(tmp_path, monkeypatch):
    def slow(*given, **named):
        time.sleep(0.5)
        return evaluate(*given, **named)

    monkeypatch.setattr(callbacks, "evaluate", slow)
    out = tmp_path / "run"
    words = f"--corpus {CORPUS} --encoder tiny --agent supervised --episodes 8 --device cpu"
    began = time.monotonic()
    main(f"train --out {out} {words}".split())
    whole = time.monotonic() - began
    metrics = json.loads((out / "metrics.json").read_text())
    measured = [point["seconds"] for point in metrics["curve"]]
    assert len(measured) >= 2 and measured[0] < measured[-1]
    # but for what a look at the checkpoints took; whole has 0.5 s of each measurement
    assert measured[-1] - 0.25 <= metrics["training"]["seconds"]
    assert metrics["training"]["seconds"] <= whole - 0.5 * len(measured)


def test_evaluate_gives_the_test_metrics_of_the_run(supervised, capsys):
    main(["evaluate", str(supervised), "--data", CORPUS, "--json"])
    metrics = json.loads((supervised / "metrics.json").read_text())
    assert json.loads(capsys.readouterr().out) == pytest.approx(metrics["test"], abs=1e-9)
    main(["evaluate", str(supervised), "--data", CORPUS])
    table = capsys.readouterr().out
    assert f"entity_f1    {metrics['test']['entity_f1']:.4f}" in table
    assert "support" in table


def test_predict_reads_lines_conll_and_jsonl_alike(supervised, tmp_path, capsys, monkeypatch):
    words = ["wake", "me", "at", "seven"]
    conll, jsonl, lines = (tmp_path / name for name in ("a.conll", "a.jsonl", "a.txt"))
    lines.write_text("wake me at seven\nstop\n")
    bare = tmp_path / "bare.conll"
    bare.write_text("\n".join(words) + "\n\nstop\n")
    conll.write_text("".join(f"{word}\tO\n" for word in words) + "\nstop\tO\n")
    jsonl.write_text("".join(json.dumps({"tokens": w}) + "\n" for w in (words, ["stop"])))
    outputs = []
    for file in (conll, jsonl, "-", lines, bare):
        monkeypatch.setattr("sys.stdin", Typed("wake me at seven\nstop\n"))
        main(["predict", str(supervised), str(file)])
        outputs.append([json.loads(line) for line in capsys.readouterr().out.splitlines()])
    assert all(output == outputs[0] for output in outputs)
    assert [row["tokens"] for row in outputs[0]] == [words, ["stop"]]
    assert [len(row["labels"]) for row in outputs[0]] == [4, 1]
    labeller = lingym.load(supervised)
    assert labeller.predict([words, ["stop"]]) == outputs[0]


class Typed(io.TextIOWrapper):
    """Standard input as bytes and as text."""

    def __init__(self, text):
        super().__init__(io.BytesIO(text.encode()), encoding="utf-8")


@pytest.mark.parametrize("agent", ["ppo", "reinforce"])
def test_rl_begins_exactly_at_its_warm_start(supervised, tmp_path, agent):
    out = tmp_path / agent
    main(
        f"train --out {out} --corpus {CORPUS} --agent {agent} --warm-start {supervised} "
        "--reward 0.5*entity_f1(dense=True)+0.5*accuracy --episodes 64 --rollout 32 "
        "--batch-size 16 --eval-every 32 --device cpu".split()
    )
    first = json.loads((out / "metrics.json").read_text())["curve"][0]
    best = json.loads((supervised / "metrics.json").read_text())["dev"]
    assert first["metrics"] == pytest.approx(best, abs=1e-9)


def test_classification_gives_probabilities(tmp_path, capsys, monkeypatch):
    out = tmp_path / "intent"
    main(
        f"train --out {out} --task classification --corpus {CORPUS} --encoder tiny "
        "--agent supervised --labels intent --episodes 96 --device cpu".split()
    )
    capsys.readouterr()
    monkeypatch.setattr("sys.stdin", Typed("play jordan in chicago\n"))
    main(["predict", str(out)])
    row = json.loads(capsys.readouterr().out)
    assert row.keys() == {"text", "label", "probabilities"}
    assert row["text"] == "play jordan in chicago"
    assert sum(row["probabilities"].values()) == pytest.approx(1, abs=1e-6)
    assert row["label"] == max(row["probabilities"], key=row["probabilities"].get)
    main(["evaluate", str(out), "--data", CORPUS, "--labels", "intent", "--json"])
    assert "accuracy" in json.loads(capsys.readouterr().out)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("train --out {out} --corpus {corpus} --encoder tiny", "holds a run already"),
        ("train --out {new} --train missing.conll", "missing.conll: there is no such file"),
        ("train --out {new} --encoder tiny --reward nonsense", "unknown reward 'nonsense'"),
        ("train --out {new} --encoder tiny --warm-start {out}", "leave out --encoder"),
        ("train --out {new} --train {file} --encoder tiny", "bad.conll:2: "),
        ("train --out {new} --train {good} --warm-start {out}", "unknown label 'B-odd'"),
        ("predict {new}", "is no lingym model"),
        ("evaluate {out} --data {good}", "unknown label 'B-odd'"),
    ],
)
def test_a_mistake_ends_in_one_line(supervised, tmp_path, words, message):
    bad, good, new = tmp_path / "bad.conll", tmp_path / "good.conll", tmp_path / "new"
    bad.write_text("a\tO\nb\tO\tx\n")
    good.write_text("a\tO\nb\tB-odd\n")
    names = {"out": supervised, "new": new, "file": bad, "good": good, "corpus": CORPUS}
    with pytest.raises(SystemExit) as stop:
        main(words.format(**names).split())
    assert message in str(stop.value)
    assert str(stop.value).startswith("lingym: error: ")
    assert not (new / "config.json").exists()  # a run that did not begin leaves no run behind


def test_listings_name_every_environment_and_reward(capsys):
    main(["envs"])
    listed = capsys.readouterr().out
    assert "lingym/Tagging-v0" in listed
    assert "lingym/Classification-v0" in listed
    main(["rewards"])
    listed = capsys.readouterr().out
    assert all(name in listed for name in ("accuracy", "cross_entropy", "entity_f1", "f1"))


def test_help_is_light():
    code = (
        "import sys\n"
        "from lingym.scripts import cli\n"
        "try:\n    cli.main(['train', '--help'])\nexcept SystemExit:\n    pass\n"
        "heavy = {'torch', 'transformers', 'stable_baselines3', 'matplotlib'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "--warm-start" in shown.stdout
    assert "default: 0.1" in shown.stdout
