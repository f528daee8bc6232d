"""The online learner learns nothing from what is no number, and halves what does not fit."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from lingym.agents import Guard, NonFiniteError, OnlineLearner, OnlineSettings
from lingym.agents.out_of_memory import TextTooLarge
from lingym.envs import Dataset
from lingym.policies import LabelPolicy
from tests.agents.test_online import TEXTS, of
from tests.agents.test_out_of_memory import ERRORS, room_for

Make = Callable[..., Any]


@pytest.fixture
def make(commands: Callable[..., Dataset], randomise: Callable[[LabelPolicy, int], None]) -> Make:
    def make(**settings: Any) -> OnlineLearner:
        labeller = of(commands("tagging"), randomise)
        learner = OnlineLearner(labeller, OnlineSettings(batch_size=4, **settings))
        learner.guard = Guard(tell=lambda _: None)
        return learner

    return make


def weights(learner: Any) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in learner.policy.state_dict().items()}


def taught(learner: Any, scores: list[float]) -> dict[str, float]:
    """Label the texts, and give this feedback."""
    log: dict[str, float] = {}
    for row, score in zip(learner.label(TEXTS), scores, strict=True):
        log = learner.feedback(row["id"], score)
    return log


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, 1e39, [1.0, 1.0, math.nan, 0.0]])
def test_feedback_that_is_no_number_is_refused_and_its_text_still_waits(
    make: Make, bad: Any
) -> None:
    learner = make()
    learner.label(TEXTS)
    with pytest.raises(ValueError, match="feedback on text 0 must be a finite number or several"):
        learner.feedback(0, bad)
    assert 0 in learner.waiting and not learner.ready
    assert learner.feedback(0, 1.0) == {}


@pytest.mark.parametrize("mode", ["stop", "skip"])
def test_numbers_that_overflow_leave_no_trace(make: Make, mode: Any) -> None:
    """Each of these is a number in float32, and their sum over units is none."""
    learner = make()
    learner.guard = Guard(mode, tell=lambda _: None)
    before = weights(learner)
    rows = learner.label(TEXTS)
    counts = [len(learner.waiting[row["id"]].labels) for row in rows]
    for row, count in zip(rows[:3], counts, strict=False):
        learner.feedback(row["id"], [3e38] * count)
    if mode == "stop":
        with pytest.raises(NonFiniteError, match=r"the loss is not finite .* text 0, text 1"):
            learner.feedback(rows[3]["id"], 0.0)
    else:
        assert learner.feedback(rows[3]["id"], 0.0) == {}
    assert all(torch.equal(value, before[name]) for name, value in weights(learner).items())
    assert learner.mean is None and not len(learner.memory) and not learner.updates
    assert math.isfinite(taught(learner, [1.0, 0.0, 1.0, 0.0])["loss"])
    assert learner.updates == 1 and learner.mean == 0.5


@pytest.mark.parametrize("room", [1, 2, 3])
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"weights": "clipped", "n_epochs": 2},
        {"weights": "truncated", "kl_coef": 0.3, "ent_coef": 0.1},
        {"baseline": "value", "gamma": 0.5},
    ],
)
def test_a_batch_that_does_not_fit_is_halved_with_the_same_step(
    make: Make, settings: dict[str, Any], room: int
) -> None:
    """New texts and old ones, each part by its units; a part may have old texts alone."""
    logs, after = [], []
    for short in (False, True):
        learner = make(learning_rate=1e-3, **settings)
        said: list[str] = []
        learner.guard = Guard(tell=said.append)
        taught(learner, [1.0, 0.0, 0.5, 0.0])
        rows = learner.label(TEXTS)
        seen: list[Any] = []
        step = learner._step

        def look(trained: Any, step: Any = step, seen: Any = seen) -> float:
            seen.append([None if w.grad is None else w.grad.clone() for w in trained])
            return step(trained)

        learner._step = look
        for row, score in zip(rows[:3], [0.0, 1.0, 1.0], strict=False):
            learner.feedback(row["id"], score)
        if short:
            with room_for(learner, room, ERRORS["cuda"], grad=True) as sizes:
                logs.append(learner.feedback(rows[3]["id"], 0.3))
            assert max(sizes) == 8 and 0 < min(sizes) <= room
            (message,) = said
            assert "out of memory on a batch of 8 texts" in message
        else:
            logs.append(learner.feedback(rows[3]["id"], 0.3))
            assert not said
        after.append(seen)
    assert logs[0].keys() == logs[1].keys()
    for name, value in logs[0].items():
        assert logs[1][name] == pytest.approx(value, rel=2e-3, abs=1e-5), name
    first = [(one, two) for one, two in zip(after[0][0], after[1][0], strict=True)]
    size = max(float(one.abs().max()) for one, _ in first if one is not None)
    assert size > 1e-4
    for one, two in first:
        assert (one is None) == (two is None)
        if one is not None:
            torch.testing.assert_close(two, one, rtol=1e-3, atol=2e-6 * size)


def test_a_text_that_does_not_fit_alone_is_named(make: Make) -> None:
    learner = make()
    taught(learner, [1.0, 0.0, 0.5, 0.0])
    before, mean = weights(learner), learner.mean
    rows = learner.label(TEXTS)
    for row in rows[:3]:
        learner.feedback(row["id"], 1.0)
    error = ERRORS["cpu"]
    with (
        room_for(learner, 0, error, grad=True),
        pytest.raises(TextTooLarge, match=r"on one text alone: text 4, of \d+ tokens"),
    ):
        learner.feedback(rows[3]["id"], 1.0)
    assert all(torch.equal(value, before[name]) for name, value in weights(learner).items())
    assert (learner.updates, learner.mean) == (1, mean)
    with room_for(learner, 0, error), pytest.raises(TextTooLarge, match="alone: text 8, of"):
        learner.label(TEXTS)
    assert len(taught(learner, [1.0, 0.0, 0.5, 0.0])) and learner.updates == 2


def test_labelling_halves_too(make: Make) -> None:
    learner, other = make(temperature=0.0), make(temperature=0.0)
    with room_for(learner, 1, ERRORS["cuda"]) as sizes:
        rows = learner.label(TEXTS)
    assert sizes == [4, 2, 1, 1, 2, 1, 1]
    wanted = other.label(TEXTS)
    assert [row["id"] for row in rows] == [0, 1, 2, 3] == list(learner.waiting)
    assert [row["labels"] for row in rows] == [row["labels"] for row in wanted]
    for one, two in zip(learner.waiting.values(), other.waiting.values(), strict=True):
        np.testing.assert_array_equal(one.text.tokens, two.text.tokens)
        np.testing.assert_allclose(one.log_probs, two.log_probs, atol=1e-5)


@pytest.mark.parametrize("temperature", [0.0, 0.5, 1.0])
def test_weights_that_are_broken_label_nothing_and_are_not_saved(
    make: Make, tmp_path: Path, temperature: float
) -> None:
    learner = make(temperature=temperature)
    learner.save(tmp_path / "served")
    kept = {p: p.read_bytes() for p in (tmp_path / "served").rglob("*") if p.is_file()}
    with torch.no_grad():
        learner.policy.label_head.weight[0, 0] = math.nan
    with pytest.raises(NonFiniteError, match="no probabilities but NaN"):
        learner.label(TEXTS)
    assert not learner.waiting
    with pytest.raises(NonFiniteError, match="nothing was written to"):
        learner.save(tmp_path / "served")
    assert all(p.read_bytes() == content for p, content in kept.items())
