"""Features that are kept: what finds them, what they are equal to, and what a disk does to them."""

import logging
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import astuple, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from lingym.agents import PPO, REINFORCE, Labeller, Supervised, evaluate
from lingym.envs import Dataset, LabelVectorEnv
from lingym.policies import FeatureCache, LabelPolicy, default_folder
from lingym.policies.feature_cache import encoder_key, rows_of, text_keys
from lingym.policies.feature_store import RECORD, FeatureStore
from tests.envs.every_task import FORMS, every_task

WIDTH = 8
AGENTS: dict[str, tuple[Any, dict[str, Any]]] = {
    "supervised": (Supervised, {}),
    "ppo": (PPO, {"samples": 2, "baseline": "leave-one-out", "n_epochs": 2, "kl_coef": 0.1}),
    "ppo, dropout": (PPO, {"baseline": "value", "n_epochs": 2, "dropout": True}),
    "reinforce": (REINFORCE, {"samples": 2, "kl_coef": 0.1}),
}


def trained(
    dataset: Dataset, agent: str, folder: Path | None, episodes: int = 48, **policy: Any
) -> Any:
    """An agent with a frozen encoder after two passes."""
    kind, arguments = AGENTS[agent]
    learner = kind(
        LabelPolicy,
        LabelVectorEnv(dataset=dataset),
        learning_rate=1e-3,
        n_steps=16,
        batch_size=8,
        policy_kwargs={"encoder": "tiny", "tune": "frozen", "feature_cache": folder, **policy},
        seed=0,
        device="cpu",
        **arguments,
    )
    return learner.learn(total_episodes=episodes)


def same(one: Any, other: Any, tolerance: float = 0.0) -> None:
    weights = other.policy.state_dict()
    for name, value in one.policy.state_dict().items():
        if name == "label_head.bias" and one.policy.labels.form == "candidates":
            continue  # all candidates have the same: its gradient is rounding, which Adam scales up
        torch.testing.assert_close(value, weights[name], rtol=0, atol=tolerance, msg=name)


@pytest.mark.parametrize("agent", AGENTS)
def test_training_with_kept_features_is_training_without(agent: str, tmp_path: Path) -> None:
    dataset = every_task("tagging", windows=True)
    assert dataset["train"].max_windows > 1
    plain = trained(dataset, agent, None)
    first = trained(dataset, agent, tmp_path)
    again = trained(dataset, agent, tmp_path)
    # Features of a text differ in the last digits with the padding and the batch it was read in.
    same(plain, first, 2e-5)
    same(first, again)
    repeats = 24 - len(set(text_keys(dataset["train"].batch(range(24)))[0]))
    moved = plain.policy.label_head.weight.abs().sum()
    assert moved > 0 and first.policy.work.texts_forward == 24 - repeats
    assert astuple(again.policy.work) == (0, 0, 0, 0)
    assert plain.policy.work.texts_forward > 24 and plain.policy.work.texts_backward == 0


@pytest.mark.parametrize("windows", [False, True])
@pytest.mark.parametrize("form", FORMS)
def test_kept_features_are_those_of_the_encoder(
    form: str, windows: bool, tmp_path: Path, policy_of: Callable[..., LabelPolicy]
) -> None:
    dataset = every_task(form, windows)
    for pooling in ("first", "mean"):
        policy = policy_of(dataset, tune="frozen", pooling=pooling)
        batches = [dataset["train"].batch(rows) for rows in ([3, 1, 4], [1, 5, 9, 2, 6, 3, 1])]
        wanted = [policy.encode(policy.texts(batch)) for batch in batches]
        policy.feature_cache = FeatureCache(tmp_path)
        for _ in range(2):  # computed, and then read
            for batch, features in zip(batches, wanted, strict=True):
                found = policy.encode(policy.texts(batch))
                torch.testing.assert_close(found, features, rtol=0, atol=2e-6)


@pytest.mark.parametrize("form", ["classification", "multilabel", "spanqa"])
def test_runs_of_every_form_are_equal(form: str, tmp_path: Path) -> None:
    dataset = every_task(form, windows=True)
    same(trained(dataset, "reinforce", None), trained(dataset, "reinforce", tmp_path), 2e-5)


def test_a_text_is_counted_where_it_is_read(
    tmp_path: Path, policy_of: Callable[..., LabelPolicy]
) -> None:
    dataset = every_task("tagging")
    episodes = dataset["train"]
    policy = policy_of(dataset, tune="frozen", feature_cache=tmp_path)
    for rows, new in (([0, 1, 2], [0, 1, 2]), ([2, 3, 0], [3]), ([3, 3], [])):
        policy.work.begin()
        policy.features(policy.texts(episodes.batch(rows)))
        assert astuple(policy.work) == (len(new), 0, int(episodes.token_counts[new].sum()), 0)
    scores = evaluate(policy, episodes)
    other = policy_of(dataset, tune="frozen", feature_cache=tmp_path)
    assert evaluate(other, episodes) == scores and other.work.texts_forward == 0


def test_another_encoder_finds_nothing(
    tmp_path: Path, policy_of: Callable[..., LabelPolicy]
) -> None:
    dataset = every_task("tagging")
    batch = dataset["train"].batch([0, 1])
    policy = policy_of(dataset, tune="frozen", feature_cache=tmp_path)
    one = policy.encode(policy.texts(batch))
    others: list[dict[str, Any]] = [{"seed": 1}, {"pooling": "mean"}, {"autocast": True}]
    for change in others:
        other = policy_of(dataset, **{"tune": "frozen", "feature_cache": tmp_path, **change})
        other.encode(other.texts(batch))
        assert other.work.texts_forward == 2, change
    with torch.no_grad():  # as loading weights does
        policy.encoder.get_parameter("embeddings.word_embeddings.weight").mul_(2.0)
    changed = policy.encode(policy.texts(batch))
    assert not torch.allclose(changed, one)
    assert len(list(tmp_path.iterdir())) == 5
    trained = policy_of(dataset, tune="full", feature_cache=tmp_path)
    assert trained.encode(trained.texts(batch)).requires_grad
    trained.encode(trained.texts(batch))
    assert trained.work.texts_forward == 4  # nothing is kept of it


def test_keys_tell_texts_apart_and_see_no_padding() -> None:
    episodes = every_task("tagging", windows=True)["train"]
    every, groups = text_keys(episodes.batch(range(len(episodes))))
    alone = [text_keys(episodes.batch([row])) for row in range(len(episodes))]
    assert [keys[0] for keys, _ in alone] == every
    assert groups.tolist() == episodes.lengths.tolist()
    contents = {
        (batch.input_ids.tobytes(), batch.unit_of_token.tobytes())
        for batch in (episodes.batch([row]) for row in range(len(episodes)))
    }
    assert len(set(every)) == len(contents)
    batch = episodes.batch([int(episodes.token_counts.argmax())])
    assert len(batch.input_ids) > 1  # windows: another cut, another text
    moved = replace(batch, unit_of_token=np.where(batch.unit_of_token == 0, 1, batch.unit_of_token))
    one_window = replace(batch, episode_of_window=np.arange(len(batch.input_ids), dtype=np.int32))
    assert text_keys(moved)[0] != text_keys(batch)[0]
    joined = replace(one_window, lengths=np.repeat(batch.lengths, len(batch.input_ids)))
    assert len(set(text_keys(joined)[0]) | set(text_keys(batch)[0])) == len(batch.input_ids) + 1


def test_some_texts_of_a_batch_are_those_texts() -> None:
    episodes = every_task("tagging", windows=True)["train"]
    some = rows_of(episodes.batch([4, 0, 7, 2]), [1, 3])
    wanted = episodes.batch([0, 2])
    for name in ("input_ids", "attention_mask", "unit_of_token", "episode_of_window", "examples"):
        np.testing.assert_array_equal(getattr(some, name), getattr(wanted, name))


def test_a_saved_encoder_finds_its_features(tmp_path: Path) -> None:
    dataset = every_task("tagging")
    agent = trained(dataset, "supervised", tmp_path / "kept", episodes=24)
    Labeller(agent.policy, "tagging", dataset.tokenizer, 64).save(tmp_path / "model")
    whole = str(tmp_path / "model")
    again = trained(dataset, "reinforce", tmp_path / "kept", episodes=24, encoder=whole)
    assert astuple(again.policy.work) == (0, 0, 0, 0)


def test_dropout_is_no_part_of_the_key(policy_of: Callable[..., LabelPolicy]) -> None:
    dataset = every_task("tagging")
    keys = {
        encoder_key(policy_of(dataset, attention_dropout=rate).encoder, {}) for rate in (0.0, 0.3)
    }
    assert len(keys) == 1


def drawn(seed: int, count: int = 5) -> tuple[list[bytes], list[np.ndarray]]:
    random = np.random.default_rng(seed)
    keys = [random.bytes(16) for _ in range(count)]
    return keys, [random.random((n + 1, WIDTH), np.float32) for n in range(count)]


def check(store: FeatureStore, keys: list[bytes], rows: list[np.ndarray]) -> None:
    for place, wanted in zip(store.find(keys), rows, strict=True):
        assert place is not None
        np.testing.assert_array_equal(store.rows(place), wanted)


def test_what_one_process_adds_another_finds(tmp_path: Path) -> None:
    one, other = FeatureStore(tmp_path, WIDTH), FeatureStore(tmp_path, WIDTH)
    keys, rows = drawn(0)
    assert other.find(keys) == [None] * 5
    one.add(keys[:3], rows[:3])
    check(other, keys[:3], rows[:3])
    other.add(keys, rows)  # two of them are new
    check(one, keys, rows)
    assert len(one) == len(other) == 5
    assert one.nbytes == sum(each.nbytes for each in rows)


@pytest.mark.parametrize("cut", [1, RECORD.itemsize - 1, RECORD.itemsize + 1])
def test_a_torn_index_loses_its_tail_only(tmp_path: Path, cut: int) -> None:
    keys, rows = drawn(0)
    FeatureStore(tmp_path, WIDTH).add(keys, rows)
    index = tmp_path / "index"
    os.truncate(index, index.stat().st_size - cut)
    left = 4 if cut < RECORD.itemsize else 3
    store = FeatureStore(tmp_path, WIDTH)
    check(store, keys[:left], rows[:left])
    assert store.find(keys[left:]) == [None] * (5 - left)
    store.add(keys, rows)
    check(FeatureStore(tmp_path, WIDTH), keys, rows)


def test_wrong_bytes_are_not_features(tmp_path: Path) -> None:
    keys, rows = drawn(0)
    FeatureStore(tmp_path, WIDTH).add(keys, rows)
    (file,) = tmp_path.glob("*.f32")
    data = bytearray(file.read_bytes())
    data[4 * WIDTH * 3] ^= 1  # of the third key's rows
    file.write_bytes(data + b"torn")
    store = FeatureStore(tmp_path, WIDTH)
    assert [place is None for place in store.find(keys)] == [False, False, True, False, False]
    store.add(keys[2:3], rows[2:3])  # after the torn row
    check(store, keys, rows)
    check(FeatureStore(tmp_path, WIDTH), keys, rows)
    index = tmp_path / "index"
    data = bytearray(index.read_bytes())
    data[-RECORD.itemsize * 2] ^= 1  # the fifth record's key: it and what follows are dropped
    index.write_bytes(data)
    assert sum(place is not None for place in FeatureStore(tmp_path, WIDTH).find(keys)) == 3


@pytest.mark.parametrize("what", ["folder", "features", "index"])
def test_emptied_while_it_is_open(tmp_path: Path, what: str) -> None:
    folder = tmp_path / "kept"
    open_too, store = FeatureStore(folder, WIDTH), FeatureStore(folder, WIDTH)
    keys, rows = drawn(0)
    store.add(keys, rows)
    check(open_too, keys, rows)
    for file in list(folder.iterdir()):
        if what == "folder" or file.name.endswith(".f32") == (what == "features"):
            file.unlink()
    if what == "folder":
        folder.rmdir()
    more, others = drawn(1)
    store.add(more, others)
    check(store, more, others)
    check(open_too, more, others)
    check(FeatureStore(folder, WIDTH), more, others)
    assert len(list(folder.glob("*.f32"))) == 1


WRITER = """
import sys
import numpy as np
from pathlib import Path
from lingym.policies.feature_store import FeatureStore
store, own = FeatureStore(Path(sys.argv[1]), 8), int(sys.argv[2])
for turn in range(60):
    numbers = [turn, 1000 * own + turn]  # one that all add, one that is its own
    store.add([n.to_bytes(16, "big") for n in numbers],
              [np.full((n % 5 + 1, 8), n, np.float32) for n in numbers])
"""


def test_processes_write_at_the_same_time(tmp_path: Path) -> None:
    commands = [[sys.executable, "-c", WRITER, str(tmp_path), str(own)] for own in (1, 2)]
    running = [subprocess.Popen(command) for command in commands]
    assert [process.wait() for process in running] == [0, 0]
    store = FeatureStore(tmp_path, WIDTH)
    numbers = [own * 1000 + turn for own in range(3) for turn in range(60)]
    check(
        store,
        [number.to_bytes(16, "big") for number in numbers],
        [np.full((number % 5 + 1, WIDTH), number, np.float32) for number in numbers],
    )
    assert len(store) == 180
    assert (tmp_path / "index").stat().st_size == 24 + 180 * RECORD.itemsize


def test_a_folder_that_cannot_be_written_ends_no_run(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, policy_of: Callable[..., LabelPolicy]
) -> None:
    dataset = every_task("tagging")
    batch = dataset["train"].batch([0, 1])
    policy = policy_of(dataset, tune="frozen", feature_cache=tmp_path / "kept")
    (tmp_path / "kept").write_text("in the way")
    with caplog.at_level(logging.WARNING, "lingym"):
        one = policy.encode(policy.texts(batch))
        two = policy.encode(policy.texts(batch))
    torch.testing.assert_close(one, two, rtol=0, atol=0)
    assert len([r for r in caplog.records if "not kept" in r.message]) == 1
    with pytest.raises(ValueError, match="must be a folder"):
        FeatureCache(tmp_path / "kept")


def test_a_large_folder_is_told_of(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    policy_of: Callable[..., LabelPolicy],
) -> None:
    monkeypatch.setattr("lingym.policies.feature_cache.LARGE", 1000)
    dataset = every_task("tagging")
    policy = policy_of(dataset, tune="frozen", feature_cache=tmp_path)
    with caplog.at_level(logging.WARNING, "lingym"):
        for row in range(4):
            policy.encode(policy.texts(dataset["train"].batch([row])))
    told = [record.message for record in caplog.records if str(tmp_path) in record.message]
    assert 1 <= len(told) < 4 and "GB" in told[0]


def test_the_default_folder_is_the_users_cache(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("LINGYM_CACHE", str(tmp_path))
    assert default_folder() == tmp_path / "features"
    monkeypatch.delenv("LINGYM_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_folder() == tmp_path / "lingym" / "features"
