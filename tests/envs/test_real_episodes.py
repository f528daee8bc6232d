"""Real data sets as episodes: every text is there, whole, and its gold labels are worth 1."""

from pathlib import Path

import numpy as np
import pytest

from lingym.envs import Classification, LabelVectorEnv, Tagging, Task, build, load_corpus
from lingym.rewards import Accuracy, EntityF1

pytestmark = pytest.mark.data

SETS: dict[str, tuple[Task, str, int, type]] = {  # task, file ending, short windows, reward
    "snips": (Tagging(), "conll", 16, EntityF1),
    "conll2003": (Tagging(), "conll", 40, EntityF1),
    "wnut17": (Tagging(), "conll", 40, EntityF1),
    "ud_english_ewt": (Tagging(), "conll", 100, Accuracy),
    "sst2": (Classification(), "jsonl", 40, Accuracy),
}


@pytest.mark.parametrize("name", SETS)
def test_oracle_gets_1(data_dir: Path, name: str) -> None:
    task, ending, _, reward = SETS[name]
    data = build(task, load_corpus(train=data_dir / name / f"dev.{ending}.xz"))
    env = LabelVectorEnv(dataset=data, num_envs=200)
    assert isinstance(env.reward, reward)
    env.reset(seed=0)
    batch = env.episodes.batch(env.game.examples)
    assert env.play(batch.gold).sum(1) == pytest.approx(1.0, abs=1e-12)
    wrong = np.where(batch.gold >= 0, (batch.gold + 1) % len(data.space), -1).astype(np.int32)
    assert (env.play(wrong).sum(1) < 1).all()
    returns, seen = np.zeros(200), np.zeros(200, bool)
    for t in range(int(batch.lengths.max())):
        going = ~seen
        assert env.action_masks()[going, batch.gold[going, t]].all()
        _, rewards, done, _, _ = env.step(np.where(going, batch.gold[:, t], 0))
        returns[going] += rewards[going]
        seen |= done
    assert returns == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize("name", SETS)
def test_every_word_has_tokens_in_one_window(data_dir: Path, name: str) -> None:
    """With windows so short that many texts need several."""
    task, ending, size, _ = SETS[name]
    data = build(task, load_corpus(dev=data_dir / name / f"dev.{ending}.xz"), max_tokens=size)
    episodes = data["dev"]
    assert episodes.max_windows > 1
    assert episodes.max_tokens <= size
    batch = episodes.batch(np.argsort(-episodes.token_counts)[:100].tolist())
    for row, length in enumerate(batch.lengths):
        windows = batch.unit_of_token[batch.episode_of_window == row]
        owners = [set(window[window >= 0]) for window in windows]
        assert set().union(*owners) == set(range(length))
        if not data.space.of_text:
            assert sum(map(len, owners)) == length
