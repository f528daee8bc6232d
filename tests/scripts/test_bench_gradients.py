"""The benchmark of gradients: its figures by hand, its rows, and the agents that it measures."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from lingym.rewards import Accuracy
from lingym.rewards.corpus import CorpusF1
from lingym.scripts import gradient_errors
from lingym.scripts.bench_gradients import COLUMNS, Gradients
from lingym.scripts.cli import main
from lingym.scripts.gradient_errors import AtTheEnd, Held, _compare, _mean
from lingym.types import Labelings, LabelSpace

CORPUS = "synthetic:commands?train=32&dev=8&test=8"
SMALL = Gradients(
    CORPUS, warm_up=32, samples=(2,), alpha=(0.5,), batches=2, batch_size=4, repetitions=3
)


def test_figures_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    exact = torch.tensor([2.0, 0.0])
    # Twice the exact gradient on average, with something across it that cancels.
    drawn = iter([torch.tensor([3.0, 1.0]), torch.tensor([5.0, -1.0])] * 2)

    def gradient(agent: str, *_: Any) -> tuple[torch.Tensor, float]:
        return (exact.clone(), 0.5) if agent == "exact" else (next(drawn).clone(), 1.0)

    monkeypatch.setattr(gradient_errors, "_gradient", gradient)
    estimate: Any = "estimate"
    known: Any = "exact"
    found = _compare(estimate, known, np.zeros(1, np.int32), [], 4)
    # In sizes of the exact gradient: (.5, .5) and (1.5, -.5) away from it, four in all.
    assert found["error"] == pytest.approx((0.5 + 2.5) / 2)
    assert found["scale"] == 2
    variance = (0.5**2 + 0.5**2) * 4 / 3
    assert found["noise"] == pytest.approx(variance / 4)
    assert found["bias"] == pytest.approx(1 - variance / 4)
    assert found["cosine"] == pytest.approx((1.5 / 2.5**0.5 + 2.5 / 6.5**0.5) / 2)
    assert found["cost"] == 2
    whole = _mean([found, found])
    assert whole["standard_error"] == pytest.approx(2 * (1 / 3) ** 0.5 / 2 / 2**0.5)
    assert whole["rescaled"] == pytest.approx(1 - 4 / 4.5)
    assert whole["direction"] == pytest.approx(2 / (4.5 - variance) ** 0.5)
    assert whole["bias"] == pytest.approx((1 - variance / 4) ** 0.5)


def test_it_prints_a_row_for_every_estimator(capsys: pytest.CaptureFixture[str]) -> None:
    SMALL.run()
    about, head, *rows = capsys.readouterr().out.splitlines()
    assert "reward accuracy" in about and "texts 8" in about
    assert head.split() == ["estimator", "S", *COLUMNS]
    assert [row[:36].strip() for row in rows] == [
        *(f"reinforce {name}" for name in ("none", "mean", "greedy", "leave-one-out", "group")),
        *("reinforce none, at the end", "reinforce leave-one-out, at the end"),
        *("ppo leave-one-out, normalised", "minimum risk, alpha 0.5"),
    ]
    numbers = np.array([row[36:].split() for row in rows], float)
    assert np.isfinite(numbers).all()
    assert (numbers[:, [1, 2, 9]] > 0).all()


def test_head_only_and_json(capsys: pytest.CaptureFixture[str]) -> None:
    main(
        f"bench gradients --data {CORPUS} --reward accuracy(dense=False) --warm-up 0 --samples 2 "
        "--alpha 1 --batches 1 --batch-size 4 --repetitions 2 --history previous --head-only "
        "--json".split()
    )
    found = json.loads(capsys.readouterr().out)
    count = found["labels"]
    assert found["parameters"] == 64 * count + count + (count + 1) * count
    assert not [row for row in found["estimators"] if "at the end" in row["estimator"]]


def test_a_reward_that_is_no_sum_and_too_few_texts_are_refused() -> None:
    with pytest.raises(ValueError, match="entity_f1 does not say what each label is worth"):
        Gradients(CORPUS, reward="entity_f1", warm_up=0).run()
    with pytest.raises(ValueError, match="has 32 texts: wanted 64"):
        Gradients(CORPUS, warm_up=0, batches=4).run()
    with pytest.raises(ValueError, match=r"samples are \(1,\): wanted 2 or more"):
        Gradients(CORPUS, samples=(1,)).run()
    with pytest.raises(ValueError, match="repetitions is 1: wanted 2 or more"):
        Gradients(CORPUS, repetitions=1).run()


def test_what_a_reward_has_learned_is_held() -> None:
    found = gradient_errors.measure(replace(SMALL, reward="corpus_f1(unit='label', dense=True)"))
    assert found["expected_reward"] != 0
    inside = CorpusF1(unit="label")
    held = Held(inside)
    held.bind(LabelSpace(("a", "b")))
    assert held.name == "corpus_f1" and held.sparse
    labels = np.array([[0, 1]], np.int32)
    two = np.array([2], np.int32)
    one = Labelings(labels, labels[:, ::-1].copy(), two, two, np.zeros(1, np.int32))
    held.observe(one)
    assert inside.measure() is None
    inside.observe(one)
    assert inside.measure() == 0.0


def test_at_the_end_is_the_same_score_and_nothing_before() -> None:
    reward = AtTheEnd(Accuracy())
    reward.bind(LabelSpace(("a", "b")))
    labels, gold = np.array([[0, 1], [0, -1]], np.int32), np.array([[0, 0], [0, 1]], np.int32)
    size = np.array([2, 2], np.int32)
    one = Labelings(labels, gold, np.array([2, 1], np.int32), size, np.arange(2, dtype=np.int32))
    assert reward.score(one).tolist() == [0.5, 0.0]
    assert reward.sparse


@pytest.mark.parametrize(
    "agent",
    [
        "expected_reward --history previous",
        "minimum_risk --samples 3 --alpha 0.1 --include-gold",
        "reinforce --baseline group",
        "ppo --baseline group",
    ],
)
def test_the_agents_train_from_the_command_line(tmp_path: Path, agent: str) -> None:
    main(
        f"train --out {tmp_path / 'run'} --corpus {CORPUS} --encoder tiny --agent {agent} "
        "--reward accuracy --episodes 16 --rollout 8 --batch-size 8 --device cpu".split()
    )
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert metrics["training"]["episodes"] == 16


def test_a_discount_is_refused_from_the_command_line(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="gamma must be 1"):
        main(
            f"train --out {tmp_path / 'run'} --corpus {CORPUS} --encoder tiny --gamma 0.9 "
            "--agent expected_reward --reward accuracy --device cpu".split()
        )
