"""One small run of the speed benchmark: what it writes agrees with itself; times are not judged."""

import json
import re
import statistics
import subprocess
import sys
from dataclasses import replace

import pytest

from lingym.rewards import REWARDS
from lingym.scripts.bench_speed import Speed, measure, run

WANTED = {
    "sb3_steps_per_second",
    "ppo_steps_per_second",
    "ppo_over_sb3",
    "supervised_words_per_second",
    "reinforce_over_supervised_cost",
    "ppo_cost_over_its_passes",
    "env_labels_per_second",
    "entity_f1_over_seqeval",
}

SMALL = Speed(
    encoder="tiny",
    rounds=2,
    batch_size=4,
    episodes=4,
    samples=2,
    texts=8,
    num_envs=3,
    sentences=16,
    device="cpu",
    threads=1,
)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    file = tmp_path_factory.mktemp("bench") / "speed.json"
    figures = run(replace(SMALL, json=file))
    return figures, json.loads(file.read_text("utf-8"))


def test_writes_every_figure_and_what_they_depend_on(written):
    figures, file = written
    assert set(figures) >= WANTED
    assert all(isinstance(value, float) and value > 0 for value in figures.values())
    assert {name: file[name] for name in figures} == figures
    assert file["settings"]["encoder"] == "tiny" and file["settings"]["rounds"] == 2
    assert set(file["machine"]) >= {"cpu", "cores", "torch_threads", "gpu"}
    assert set(file["versions"]) >= {"torch", "stable-baselines3", "gymnasium", "numpy"}
    assert {len(seconds) for seconds in file["rounds"].values()} == {2}


def test_both_ppos_did_the_same_work(written):
    counts = written[1]["counts"]
    rounds = SMALL.rounds + 1
    assert counts["sb3_labels"] == counts["ppo_labels"] == rounds * counts["labels_of_a_rollout"]
    steps = 4 * (SMALL.episodes // SMALL.minibatch) * rounds
    assert counts["sb3_optimiser_steps"] == counts["ppo_optimiser_steps"] == steps
    assert counts["labels_of_a_rollout"] == 2 * counts["labels_of_a_minibatch"]


def test_figures_follow_from_the_rounds(written):
    figures, file = written
    rounds, counts = file["rounds"], file["counts"]

    def quotient(over, under):
        return [a / b for a, b in zip(rounds[over], rounds[under], strict=True)]

    passes = [4 * a + b for a, b in zip(rounds["pass"], rounds["forward"], strict=True)]
    wanted = {
        "ppo_over_sb3": quotient("sb3", "ppo"),
        "reinforce_over_supervised_cost": quotient("reinforce", "supervised"),
        "ppo_cost_over_its_passes": [
            a / b for a, b in zip(rounds["ppo_long"], passes, strict=True)
        ],
        "entity_f1_over_seqeval": quotient("seqeval", "entity_f1"),
    }
    for name, ratios in wanted.items():
        assert file["ratios"][name] == pytest.approx(ratios)
        assert figures[name] == pytest.approx(statistics.median(ratios))
    for name, size, contestant in (
        ("sb3_steps_per_second", "labels_of_a_rollout", "sb3"),
        ("ppo_steps_per_second", "labels_of_a_rollout", "ppo"),
        ("supervised_words_per_second", "labels_of_a_pass", "supervised"),
        ("env_labels_per_second", "env_labels", "env"),
    ):
        median = statistics.median(rounds[contestant])
        assert figures[name] == pytest.approx(counts[size] / median)


def test_contestants_take_turns_and_the_first_round_is_dropped():
    turns = []

    def clock(name):
        turns.append(name)
        return float(len(turns))

    seconds = measure({"a": lambda: clock("a"), "b": lambda: clock("b")}, rounds=2)
    assert turns == ["a", "b"] * 3
    assert seconds == {"a": [3.0, 5.0], "b": [4.0, 6.0]}


def test_refuses_sizes_that_make_no_comparison():
    with pytest.raises(ValueError, match="multiple of batch_size"):
        replace(SMALL, episodes=5)
    with pytest.raises(ValueError, match="rounds must be at least 1"):
        replace(SMALL, rounds=0)


def test_an_encoder_that_cannot_be_had_is_not_replaced_in_silence():
    with pytest.raises(ValueError, match="--encoder tiny"):
        run(replace(SMALL, encoder="nobody/no-such-encoder"))


def test_importing_the_command_is_light():
    code = (
        "import sys, lingym.scripts.bench_speed; print({'torch', 'transformers'} & {*sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "set()"


UNTIMED = {"abstain", "preference"}  # one needs a task of its own, the other gives no scores


def test_every_reward_is_timed_beside_its_training_step(written):
    shares = written[1]["rewards"]
    assert all(0 < share < 10 for share in shares.values())
    for name in REWARDS.keys() - UNTIMED:
        assert any(re.search(rf"\b{name}\b", spec) for spec in shares), name
