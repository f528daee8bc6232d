"""A run keeps what its reward has learned; a warm start with the same reward goes on from it."""

import json
from pathlib import Path

import pytest

from lingym.rewards import from_spec
from lingym.scripts.cli import main
from lingym.scripts.reward_state import resume_reward, save_reward
from tests.rewards.worlds import TAGS, WORLDS

REWARD = "0.5*corpus_f1(half_life=None)+0.5*accuracy"
SHORT = (
    "train --out {out} --corpus synthetic:commands?train=32&dev=8&test=8 --agent reinforce "
    "--samples 2 --rollout 16 --batch-size 16 --eval-every 32 --device cpu --episodes 32"
)


def run(out: Path, *more: str) -> dict:
    main([*SHORT.format(out=out).split(), *more])
    return json.loads((out / "reward.json").read_text())


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "first"
    run(out, "--encoder", "tiny", "--reward", REWARD)
    return out


def test_a_warm_start_goes_on_with_the_counts(first, tmp_path, capsys):
    kept = json.loads((first / "reward.json").read_text())
    assert kept["reward"] == str(from_spec(REWARD))
    assert kept["state"]["0"]["episodes"] == 64  # two samples of 32 texts
    again = run(tmp_path / "again", "--warm-start", str(first), "--reward", REWARD)
    assert f"the reward goes on from {first / 'reward.json'}" in capsys.readouterr().err
    assert again["state"]["0"]["episodes"] == 128
    gold = [counts["state"]["0"]["gold"] for counts in (kept, again)]
    assert gold[1] == [2 * number for number in gold[0]]  # the same texts once more
    inside = run(tmp_path / "inside", "--warm-start", str(first / "model"), "--reward", REWARD)
    assert inside == again


def test_another_reward_begins_anew(first, tmp_path, capsys):
    other = run(tmp_path / "other", "--warm-start", str(first), "--reward", "corpus_f1")
    assert "the reward begins anew: " in capsys.readouterr().err
    assert 60 < other["state"]["episodes"] < 64  # and forgets
    plain = run(tmp_path / "plain", "--warm-start", str(first), "--reward", "accuracy")
    assert plain == {"reward": "accuracy", "state": {}}
    capsys.readouterr()
    run(tmp_path / "after", "--warm-start", str(tmp_path / "plain"), "--reward", "accuracy")
    assert "the reward" not in capsys.readouterr().err


def test_supervised_learning_has_no_reward_to_keep(first, tmp_path):
    out = tmp_path / "supervised"
    words = SHORT.format(out=out).replace("reinforce --samples 2", "supervised").split()
    main([*words, "--warm-start", str(first)])
    assert not (out / "reward.json").exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "wanted the reward and the state of a run"),
        ("[]", "wanted the reward and the state of a run"),
        ('{"reward": "corpus_f1"}', "wanted the reward and the state of a run; KeyError"),
        ('{"reward": "corpus_f1", "state": {"types": []}}', "reward corpus_f1: running counts"),
    ],
)
def test_a_file_that_no_run_wrote(tmp_path, text, message):
    (tmp_path / "reward.json").write_text(text)
    reward = from_spec("corpus_f1")
    reward.bind(TAGS)
    with pytest.raises(ValueError, match=f"reward.json: .*{message}"):
        resume_reward(reward, tmp_path)


def test_a_spent_reward_is_refused(tmp_path):
    class Spent(type(from_spec("corpus_f1"))):
        exhausted = True

    labelings = WORLDS["tags"].draw(0, episodes=5, units=4)
    reward = Spent()
    reward.bind(TAGS)
    reward.observe(labelings)
    save_reward(tmp_path, reward)
    with pytest.raises(ValueError, match="has nothing more to say, because its budget is spent"):
        resume_reward(reward, tmp_path)
