"""A corpus on disk is that in memory: the same arrays, examples, batches, facts and scores."""

from collections.abc import Iterator
from dataclasses import fields
from typing import Any

import numpy as np
import pytest

from lingym.envs import (
    Abstaining,
    Dataset,
    Episodes,
    LabelVectorEnv,
    MultiTask,
    Task,
    build,
    load_corpus,
    mixed,
    stream_corpus,
)
from lingym.envs.disk import build as disk_build
from lingym.envs.disk import build_on_disk
from tests.envs.every_task import FORMS

LAZY = ("facts", "examples", "encoding", "task", "space")


@pytest.fixture(scope="module", params=[*FORMS, "abstaining"])
def both(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Dataset, Dataset]]:
    """A form's texts in memory, and on disk, where they are read in chunks of a few."""
    folder, name = tmp_path_factory.mktemp("indices"), request.param
    form = FORMS.get(name, FORMS["tagging"])

    def make() -> Task:
        return form.make() if name in FORMS else Abstaining(form.make(), price=0.2)

    sizes, held = "train=24&dev=6&test=6", make()
    if isinstance(held, MultiTask):
        names = dict(zip(held.tasks, ("commands", "commands", "abstracts"), strict=True))
        sources = {task: f"synthetic:{name}?{sizes}" for task, name in names.items()}
        corpus = mixed({task: load_corpus(source) for task, source in sources.items()})
        stream = mixed({task: stream_corpus(source) for task, source in sources.items()})
    else:
        source = f"synthetic:{form.corpus}?{sizes}"
        corpus, stream = load_corpus(source), stream_corpus(source)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(disk_build, "CHUNK", 5)
        build_on_disk(make(), stream, folder, max_tokens=form.window)
    opened = build(make(), stream, max_tokens=form.window, on_disk=folder)
    assert len([place for place in folder.iterdir() if place.is_dir()]) == 1, "it was read anew"
    yield build(held, corpus, max_tokens=form.window), opened


def assert_same(held: Episodes, stored: Episodes) -> None:
    """Everything that an agent can ask of a split."""
    for field in fields(Episodes):
        if field.name not in LAZY:
            a, b = getattr(held, field.name), getattr(stored, field.name)
            np.testing.assert_array_equal(a, b, field.name)
            assert getattr(a, "dtype", None) == getattr(b, "dtype", None), field.name
    assert list(stored.examples) == list(held.examples)
    assert [stored.examples[i] for i in range(len(held))] == list(held.examples)
    assert stored.examples[-2:] == list(held.examples)[-2:]
    for name in ("lengths", "token_counts", "max_units", "max_windows", "max_tokens", "labelled"):
        np.testing.assert_array_equal(getattr(stored, name), getattr(held, name))
    rows = np.array([3, 0, 3, len(held) - 1])
    a, b = held.batch(rows), stored.batch(rows)
    for field in fields(a):
        if field.name != "facts":
            np.testing.assert_array_equal(getattr(a, field.name), getattr(b, field.name))


def space_of(dataset: Dataset) -> dict[str, Any]:
    told = dict(vars(dataset.space))
    told.pop("places", None)
    return {k: v.tolist() if isinstance(v, np.ndarray) else v for k, v in told.items()}


def test_every_task(both: tuple[Dataset, Dataset]) -> None:
    held, stored = both
    assert space_of(stored) == space_of(held)
    assert stored.tokenizer.to_str() == held.tokenizer.to_str()
    assert list(stored.splits) == list(held.splits)
    for split in held.splits:
        assert_same(held[split], stored[split])


def test_episodes_and_scores(both: tuple[Dataset, Dataset]) -> None:
    random = np.random.default_rng(0)
    held, stored = (LabelVectorEnv(dataset=dataset, num_envs=4) for dataset in both)
    held.reset(seed=1)
    stored.reset(seed=1)
    for _ in range(60):
        masks = held.action_masks()
        actions = (random.random(masks.shape) * masks).argmax(1)
        ours, theirs = stored.step(actions), held.step(actions)
        for key, value in theirs[0].items():
            np.testing.assert_array_equal(ours[0][key], value)
        for a, b in zip(ours[1:4], theirs[1:4], strict=True):
            np.testing.assert_array_equal(a, b)
    dev = (held.episodes, stored.episodes)
    labels = [e.gold_of(np.arange(len(e)), e.max_units) for e in dev]
    measured = [
        e.task.metrics(e.complete(given), e.space) for e, given in zip(dev, labels, strict=True)
    ]
    assert measured[1] == measured[0]
