"""The doctor of rewards: healthy rewards pass, and each sickness is found."""

import json
from itertools import pairwise

import numpy as np
import pytest
import torch

from lingym.envs import Dataset, LabelVectorEnv, build
from lingym.envs.corpora import Corpus, read_records
from lingym.envs.tasks import TASKS
from lingym.policies import LabelPolicy
from lingym.rewards import Accuracy, EntityF1, from_function
from lingym.scripts.arguments import TaskOptions
from lingym.scripts.check_reward import CheckReward
from lingym.scripts.cli import main
from lingym.scripts.doctor import Patient, examine
from lingym.scripts.doctor_contract import CHECKS, broken, decomposes
from lingym.scripts.doctor_cost import Cost
from lingym.scripts.doctor_labelings import GOLD, RANDOM, SHIFTED, WORSENING, Labellers
from lingym.scripts.doctor_policy import PLAIN, room, warning
from lingym.scripts.doctor_words import warnings

CORPORA = {
    "tagging": "commands",
    "classification": "commands",
    "multilabel": "emotions",
    "spanqa": "questions",
    "choice": "dialogues",
    "relation": "relations",
    "summary": "abstracts",
    "sentences": "abstracts",
    "slots_intent": "commands",
}


def episodes(task, **arguments):
    made = TASKS[task](**arguments)
    records = read_records(f"synthetic:{CORPORA[task]}?train=60&dev=2&test=2", "train")
    return build(made, Corpus(tuple(records), (), (), {}))["train"]


@pytest.fixture(scope="module")
def tagged():
    return episodes("tagging")


def patient(tagged, reward):
    return Patient.of(tagged, reward, 40, seed=0)


@pytest.mark.parametrize("task", CORPORA)
def test_labelings_mean_something_and_get_worse(task):
    split = episodes(task)
    labellers = Labellers(split, np.arange(40, dtype=np.int32), seed=0)
    found = labellers.all()
    batch = labellers.batch
    ended = batch.gold >= 0
    np.testing.assert_array_equal(found[GOLD][ended], batch.gold[ended])
    wrong = [labellers.wrong(found[name]) for name in WORSENING]
    assert not wrong[0].any()
    if split.space.stop is None:  # else a later mistake may lie after an earlier stop
        assert all((few <= many).all() for few, many in pairwise(wrong[:4]))
    assert wrong[3].sum() < wrong[4].sum()
    assert (SHIFTED in found) == (task in ("tagging", "slots_intent"))
    for labels in found.values():
        given = batch.complete(labels)
        real = np.arange(labels.shape[1]) < given.lengths[:, None]
        assert (labels[real] >= 0).all()
        assert (labels[real] < split.label_count).all()
        if split.kinds is not None:
            assert (split.space.kind_of_label[labels[real]] == batch.kinds[real]).all()
        if split.space.form == "candidates":
            assert (labels < batch.groups[:, None]).all()
        if split.space.span is not None:
            start, end = labels[:, 0], labels[:, 1]
            assert (((end >= start) & (start > 0)) | ((start == 0) & (end == 0))).all()
        if split.space.quota is not None:
            assert ((labels == split.space.quota.label).sum(1) == 1).all()


def test_token_accuracy_pays_those_who_say_nothing(tagged):
    found = examine(patient(tagged, Accuracy()), 0)
    outside = (tagged.gold == tagged.space.places["O"]).mean()
    assert found.share_of_gold("all O") == pytest.approx(outside, abs=0.08)
    assert found.share_of_gold(GOLD) == 1
    assert found.falls
    assert found.spearman < -0.8
    assert all(row["less"] == 1 for pair, row in found.steps.items() if RANDOM not in pair)
    differ = [row["scores_differ"] for name, row in found.signal.items() if name != RANDOM]
    assert 0 < differ[0] < differ[1] < differ[2] <= 1
    assert all(row["scores_differ"] <= row["labelings_differ"] for row in found.signal.values())
    assert examine(patient(tagged, EntityF1()), 0).share_of_gold("all O") < 0.2


def test_the_signal_is_that_of_the_labelings_that_score_differently(tagged):
    """Only the first unit counts: it differs in no more texts than a policy gets it wrong."""
    first = from_function(lambda given: (given.labels == given.gold)[:, 0], name="first")
    found = examine(patient(tagged, first), 0)
    assert 0.3 < found.signal["80 % right"]["scores_differ"] < 0.8  # 1 - 0.8**4 - 0.2**4 = 0.59
    assert found.signal["80 % right"]["labelings_differ"] > 0.9


def test_healthy_rewards_keep_all_and_say_whether_they_decompose(tagged):
    for reward, sums in ((Accuracy(), True), (EntityF1(dense=True), False)):
        assert broken(patient(tagged, reward), 0) == []
        assert decomposes(patient(tagged, reward), 0) == sums


class Sick(Accuracy):
    """A score that breaks one rule, by name."""

    def __init__(self, rule):
        super().__init__()
        self.rule, self.calls = rule, 0

    def score(self, labelings):
        score = super().score(labelings)
        self.calls += 1
        return {
            "same_twice": lambda: score + self.calls,
            "nothing_is_worth_nothing": lambda: score + 1,
            "padding_changes_nothing": lambda: score * labelings.labels.shape[1],
            "company_changes_nothing": lambda: score - score.mean(),
        }.get(self.rule, lambda: score)()

    def steps(self, labelings):
        steps = super().steps(labelings)
        if self.rule == "steps_sum_to_the_score":
            steps *= 2
        if self.rule == "steps_are_rises":
            steps[:, 0] = steps.sum(1)
            steps[:, 1:] = 0
        if self.rule == "inputs_are_left_alone":
            labelings.labels[:] = labelings.gold
        return steps


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_each_sickness_is_found(check, tagged):
    sick = patient(tagged, Sick(check.__name__))
    assert check.__name__ in broken(sick, 0)
    if check.__name__ == "steps_are_rises":
        assert broken(sick, 0) == ["steps_are_rises"]


def test_a_table_that_is_not_the_score_is_an_error(tagged):
    class Wrong(Accuracy):
        def table(self, labelings, count):
            return 2 * super().table(labelings, count)

    with pytest.raises(ValueError, match="its table does not sum to its score"):
        decomposes(patient(tagged, Wrong()), 0)


RUN = "check-reward {} --data synthetic:commands?train=60&dev=2&test=2 --texts 40 --out {}"


def run(reward, out):
    words = RUN.format("REWARD", out).split()
    words[1] = reward
    main(words)


def test_the_command_prints_and_draws(tmp_path, capsys):
    run("0.5*entity_f1+0.5*accuracy", tmp_path / "out")
    shown = capsys.readouterr().out
    for words in (
        "gold   ",
        "20 % wrong",
        "all O",
        "rank correlation",
        "scores differ",
        "One call",
    ):
        assert words in shown.replace("\n", " ")
    found = json.loads((tmp_path / "out" / "check-reward.json").read_text())
    assert found["reward"] == "0.5*entity_f1+0.5*accuracy"
    assert found["labelings"][GOLD]["mean"] == 1
    assert found["broken"] == []
    assert found["cost"]["share"] > 0
    assert (tmp_path / "out" / "check-reward.png").read_bytes().startswith(b"\x89PNG")


def upside_down(predicted, gold):
    return sum(p != g for p, g in zip(predicted, gold, strict=True)) / len(gold)


def constant(predicted, gold):
    return 2.0


def blind(predicted, gold):
    return float(predicted == ["O"] * len(gold))


def lazy(predicted, gold):
    return -float(predicted != ["O"] * len(gold))


def exact(predicted, gold):
    return float(predicted == gold)


@pytest.mark.parametrize(
    ("function", "told"),
    [
        (upside_down, "worse labels raise the mean: gold 0.0000 < 1 % wrong"),
        (upside_down, "labels 'random' earn"),
        (upside_down, "gold labels are not the best: 1 % wrong earns"),
        (upside_down, "worse labels score higher in up to 100 % of the texts"),
        (constant, "every labelling has the score 2"),
        (blind, "of the texts give no signal to a policy that is 80 % right, though its labelin"),
        (lazy, "labels 'all O' earn 0.0000, no less than gold labels, -"),
        (exact, "100 % of the texts give no signal to a policy that draws evenly, though its la"),
        (exact, "one call costs 50 % of the encoder's forward and backward pass"),
    ],
)
def test_sick_rewards_are_told_in_words(function, told, tagged):
    found = examine(patient(tagged, from_function(function)), 0)
    assert told in "\n".join(warnings(found, Cost(128, 0.5, 1.0), [], False))


def test_a_healthy_reward_is_not_warned_of():
    found = examine(patient(episodes("sentences"), Accuracy()), 0)
    assert list(warnings(found, Cost(128, 0.001, 1.0), [], False)) == []
    assert "its budget is spent" in next(warnings(found, Cost(128, 0.001, 1.0), [], True))


def test_a_reward_that_breaks_the_contract_ends_in_an_error(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sick.py").write_text(
        "import random\ndef chance(predicted, gold):\n    return random.random()\n"
        "def nan(predicted, gold):\n    return float('nan')\n"
    )
    with pytest.raises(SystemExit) as caught:
        run("sick.py:chance", tmp_path / "out")
    assert "reward chance fails: same twice" in str(caught.value)
    assert "! it breaks what every reward must keep: same twice" in capsys.readouterr().out
    with pytest.raises(SystemExit) as caught:
        run("sick.py:nan", tmp_path / "out")
    assert "labels '99 % right': reward nan: score of example" in str(caught.value)


def test_the_texts_are_those_of_a_run(tmp_path):
    file = tmp_path / "a.conll"
    file.write_text("Ada\tB-who\nsings\tO\n\nBo\tB-who\n")
    split = CheckReward(data=str(file), options=TaskOptions(abstain=True)).read()["train"]
    assert [list(words) for words in split.words] == [["Ada", "sings"], ["Bo"]]
    assert split.space.names == ("B-who", "O", "ABSTAIN")
    mixed = CheckReward(task="multitask").read()["train"]
    assert len(mixed.space.kinds) == 2
    with pytest.raises(ValueError, match="leave out --data"):
        CheckReward(task="multitask", data=str(file)).read()


def test_a_hidden_gold_is_judged_all_the_same(tagged):
    from lingym.rewards import from_spec

    hidden = patient(tagged, from_spec("one_score(accuracy)"))
    assert (hidden.game.episodes.gold == -1).all()
    found = examine(hidden, 0)
    assert found.scores[GOLD].mean() > found.scores[RANDOM].mean()
    assert broken(hidden, 0) == []


def policy_of(split, scale):
    """An untrained policy whose scores are so many times as far apart."""
    env = LabelVectorEnv(dataset=Dataset(split.task, split.space, None, {"train": split}))
    spaces = env.single_observation_space, env.single_action_space
    policy = LabelPolicy(*spaces, lambda _: 1e-3, encoder="tiny")
    with torch.no_grad():
        policy.label_head.weight.normal_().mul_(scale)
    return policy


def test_a_policy_that_is_sure_has_nothing_to_learn(tagged):
    """Told of it, and in what; its scores are those of the labels that it draws."""
    unsure, sure = (
        room(patient(tagged, Accuracy()), policy_of(tagged, scale), 4, 0) for scale in (0.1, 1e6)
    )
    assert unsure.signal[PLAIN]["labelings_differ"] > 0.9 and list(warning(unsure, "it")) == []
    assert sure.signal[PLAIN]["labelings_differ"] == sure.signal[PLAIN]["scores_differ"] == 0
    assert sure.signal[PLAIN]["std_within"] == 0
    assert sure.signal[PLAIN]["mean"] == pytest.approx(sure.mean)  # it draws its best labels
    assert sure.gold == 1 and 0 < sure.wrong < 1
    told = list(warning(sure, "it"))
    assert told[0].startswith("100.0 % of the texts give no signal to it (4 labelings of each)")


def test_the_same_seed_draws_the_same_and_leaves_the_policy_as_it_was(tagged):
    policy = policy_of(tagged, 1.0).train(False)
    before = torch.random.get_rng_state()
    one, other = (room(patient(tagged, Accuracy()), policy, 4, seed) for seed in (0, 0))
    assert one == other != room(patient(tagged, Accuracy()), policy, 4, 1)
    assert torch.equal(before, torch.random.get_rng_state()) and not policy.training


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("--policy nowhere", "--policy: give the texts that it is to learn from, --data FILE"),
        ("--policy nowhere --data x.conll", "nowhere"),
        ("--samples 1", "--samples is 1: wanted 2 or more, to compare"),
        ("--samples 8", "--samples is for --policy"),
        ("--policy a --data b --encoder minilm", "leave out --encoder"),
        ("--policy a --data b --max-tokens 64", "leave out --max-tokens"),
        ("--policy a --data b --abstain", "leave out the task's options"),
    ],
)
def test_a_policy_that_cannot_be_looked_at(words, told, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit, match=told):
        main(["check-reward", *words.split()])


def test_a_run_keeps_the_file_of_its_reward(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = "def worth(predicted, gold):\n    return float(predicted == gold)\n"
    for file in (tmp_path / "mine.py", tmp_path / "b" / "mine.py"):
        file.parent.mkdir(exist_ok=True)
        file.write_text(text + f"# {file.parent.name}\n")
    words = (
        "train --out run --corpus synthetic:commands?train=16&dev=4&test=4 --encoder tiny "
        "--episodes 16 --batch-size 8 --rollout 16 --eval-every 16 --device cpu"
    )
    main([*words.split(), "--reward", "mine.py:worth+0.5*b/mine.py:worth"])
    assert (tmp_path / "run" / "mine.py").read_text() == (tmp_path / "mine.py").read_text()
    assert (tmp_path / "run" / "mine_2.py").read_text().endswith("# b\n")
