"""The commands where labels are asked for, compared, or judged late."""

import json
from pathlib import Path
from typing import Any

import pytest

from lingym.scripts.cli import main

SIZES = "train=40&dev=8&test=6"
QUICK = "--episodes 40 --batch-size 8 --rollout 40 --eval-every 40 --device cpu"
COMMANDS = f"synthetic:commands?{SIZES}"


def train(out: Path, words: str) -> dict[str, Any]:
    main(f"train --out {out} {QUICK} {words}".split())
    found: dict[str, Any] = json.loads((out / "metrics.json").read_text())
    return found


@pytest.mark.parametrize(
    ("task", "corpus", "budget"),
    [
        ("tagging", "commands", 2),
        ("classification", "commands", None),
        ("multilabel", "emotions", 3),
    ],
)
def test_a_labeller_that_asks_is_trained_evaluated_and_used(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], task: str, corpus: str, budget: int | None
) -> None:
    source = f"synthetic:{corpus}?{SIZES}"
    asking = f"--task {task} --abstain --abstain-price 0.1"
    if budget:
        asking += f" --abstain-budget {budget}"
    words = f"{asking} --agent reinforce --corpus {source}"
    trained = train(tmp_path / "asks", f"{words} --encoder tiny")
    assert {"utility", "coverage", "selective_accuracy"} <= trained["test"].keys()
    capsys.readouterr()
    main(["evaluate", str(tmp_path / "asks"), "--data", source, "--json"])
    assert json.loads(capsys.readouterr().out) == pytest.approx(trained["test"], abs=1e-6)
    main(["evaluate", str(tmp_path / "asks"), "--data", source])
    assert "coverage" in capsys.readouterr().out
    text = tmp_path / "text.txt"
    text.write_text("play the long song\n")
    main(["predict", str(tmp_path / "asks"), str(text)])
    assert "abstained" in json.loads(capsys.readouterr().out)
    settings = json.loads((tmp_path / "asks" / "model" / "lingym.json").read_text())
    assert settings["task_settings"]["abstain"] == {"budget": budget, "price": 0.1}
    # Going on keeps what is not said anew.
    more = f"--task {task} --agent reinforce --corpus {source} --warm-start {tmp_path / 'asks'}"
    train(tmp_path / "on", f"{more} --abstain --abstain-price 0.4")
    settings = json.loads((tmp_path / "on" / "model" / "lingym.json").read_text())
    assert settings["task_settings"]["abstain"] == {"budget": budget, "price": 0.4}


def test_a_labeller_that_did_not_ask_begins_to(tmp_path: Path) -> None:
    corpus = f"--task tagging --corpus {COMMANDS}"
    plain = train(tmp_path / "plain", f"{corpus} --agent supervised --encoder tiny")
    words = f"{corpus} --agent reinforce --warm-start {tmp_path / 'plain'} --abstain"
    asking = train(tmp_path / "asks", f"{words} --reward abstain(entity_f1,price=0.1,answers=50)")
    assert asking["curve"][0]["metrics"]["selective_accuracy"] >= plain["dev"]["accuracy"] - 1e-6
    state = json.loads((tmp_path / "asks" / "reward.json").read_text())
    assert "spent" in json.dumps(state)


def test_preferences_and_late_feedback(tmp_path: Path) -> None:
    corpus = f"--encoder tiny --corpus {COMMANDS}"
    words = f"{corpus} --agent preference --comparisons 2 --reward preference(entity_f1,noise=0.1)"
    assert train(tmp_path / "preference", words)["training"]["episodes"] == 40
    state = json.loads((tmp_path / "preference" / "reward.json").read_text())
    assert "spent" in json.dumps(state)
    train(tmp_path / "late", f"{corpus} --agent reinforce --feedback-delay 16")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--task summary --abstain", "task summary cannot abstain: tagging, classification"),
        ("--abstain-budget 2", "--abstain-budget means something with --abstain only"),
        ("--abstain --abstain-budget 0", "budget must be a whole number from 1 on"),
        ("--reward abstain(accuracy)", "reward abstain: the labels have no ABSTAIN"),
        ("--agent preference", r"give preference\(entity_f1\)"),
        ("--reward preference(accuracy)", "train with --agent preference"),
        ("--agent ppo --feedback-delay 9", "--feedback-delay is for --agent reinforce, not ppo"),
    ],
)
def test_a_mistake_ends_in_one_line(tmp_path: Path, words: str, message: str) -> None:
    with pytest.raises(SystemExit, match=message):
        main(f"train --out {tmp_path / 'x'} {QUICK} --encoder tiny {words}".split())
