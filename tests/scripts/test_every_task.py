"""The commands on every task: trained, evaluated, used and rewarded, on generated texts."""

import json

import gymnasium
import pytest

from lingym.envs.corpora import read_records
from lingym.envs.tasks import TASKS
from lingym.scripts.cli import main

SIZES = "train=40&dev=8&test=6"
SPAN = {"accuracy", "macro_f1", "micro_f1", "precision", "recall", "entity_f1"}
UNIT = SPAN - {"entity_f1"}
TABLE = {
    # task: its corpus, its metrics, what predict says of a text
    "tagging": ("commands", SPAN, {"tokens", "labels"}),
    "classification": ("commands", UNIT, {"text", "label", "probabilities"}),
    "multilabel": (
        "emotions",
        {"sample_f1", "micro_f1", "macro_f1", "exact_match", "hamming"},
        {"text", "labels", "probabilities"},
    ),
    "spanqa": (
        "questions",
        {"f1", "exact_match"},
        {"id", "question", "answer", "start", "end", "probability"},
    ),
    "choice": ("dialogues", {"accuracy"}, {"question", "choices", "answer", "probabilities"}),
    "relation": (
        "relations",
        {"semeval_f1", "precision", "recall", "micro_f1", "accuracy"},
        {"text", "label", "probabilities"},
    ),
    "summary": (
        "abstracts",
        {"rouge1", "rouge2", "rougeL", "rouge", "sentences", "words"},
        {"summary", "sentences"},
    ),
    "sentences": ("abstracts", UNIT, {"sentences", "labels"}),
    "slots_intent": (
        "commands",
        SPAN - {"accuracy"} | {"mean", "slot_accuracy", "intent_accuracy", "exact_match"},
        {"tokens", "slots", "intent"},
    ),
}


def corpus(task):
    return f"synthetic:{TABLE[task][0]}?{SIZES}"


def train(out, words):
    main(
        f"train --out {out} --episodes 40 --batch-size 8 --rollout 40 --eval-every 40 --device cpu "
        f"{words}".split()
    )
    return json.loads((out / "metrics.json").read_text())


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """The folder of a supervised run of a task, trained once."""
    folder, done = tmp_path_factory.mktemp("runs"), {}

    def of(task):
        if task not in done:
            words = f"--task {task} --agent supervised --encoder tiny --corpus {corpus(task)}"
            done[task] = train(folder / task, words)
        return folder / task, done[task]

    return of


def test_the_table_has_every_task():
    assert TABLE.keys() | {"multitask"} == TASKS.keys()


@pytest.mark.parametrize("task", TABLE)
def test_evaluate_gives_the_tasks_own_metrics(runs, capsys, task):
    out, trained = runs(task)
    capsys.readouterr()
    main(["evaluate", str(out), "--data", corpus(task), "--json"])
    metrics = json.loads(capsys.readouterr().out)
    extra = {"f1_answerable", "exact_match_answerable", "f1_unanswerable"}
    assert metrics.keys() - {*extra, "exact_match_unanswerable"} == TABLE[task][1]
    assert metrics == pytest.approx(trained["test"], abs=1e-6)
    main(["evaluate", str(out), "--data", corpus(task)])
    shown = capsys.readouterr().out
    assert shown.startswith("6 texts, ")
    assert all(f"{name} " in shown for name in TABLE[task][1])


@pytest.mark.parametrize("task", TABLE)
def test_predict_says_one_thing_a_text(runs, tmp_path, capsys, task):
    """Gold labels are not looked at: texts without them get the same answers."""
    out, _ = runs(task)
    gold = {"labels", "label", "intent", "answers", "answer", "summary", "references", "oracle"}
    whole, bare = tmp_path / "whole.jsonl", tmp_path / "bare.jsonl"
    records = [dict(record.fields) for record in read_records(corpus(task), "test")]
    whole.write_text("".join(json.dumps(each) + "\n" for each in records))
    bare.write_text(
        "".join(json.dumps({k: v for k, v in e.items() if k not in gold}) + "\n" for e in records)
    )
    outputs = []
    for file in (whole, bare):
        capsys.readouterr()
        main(["predict", str(out), str(file)])
        outputs.append([json.loads(line) for line in capsys.readouterr().out.splitlines()])
    assert outputs[0] == outputs[1]
    assert len(outputs[0]) == len(records)
    assert all(row.keys() == TABLE[task][2] for row in outputs[0])


@pytest.mark.parametrize("task", TABLE)
def test_reward_goes_on_where_supervision_stopped(runs, tmp_path, task):
    out, trained = runs(task)
    words = f"--task {task} --corpus {corpus(task)} --agent reinforce --warm-start {out}"
    further = train(tmp_path / "rl", f"{words} --samples 2")
    assert further["curve"][0]["metrics"] == pytest.approx(trained["dev"], abs=1e-6)
    assert further["training"]["episodes"] == 40


@pytest.mark.parametrize("task", TABLE)
def test_check_reward_asks_what_is_left_to_learn(runs, tmp_path, capsys, task):
    out, _ = runs(task)
    words = f"check-reward --policy {out} --data {corpus(task)} --samples 6 --out {tmp_path}"
    main(words.split())
    found = json.loads((tmp_path / "check-reward.json").read_text())
    assert found["task"] == task and found["texts"] == 40  # those of training
    assert found["policy"]["samples"] == 6 and 0 < found["policy"]["wrong"] <= 1
    plain = found["policy"]["signal"]["as it labels"]
    assert 0 < plain["scores_differ"] <= plain["labelings_differ"] <= 1
    assert "Of 6 labelings of a text, drawn by it:" in capsys.readouterr().out
    other = "choice" if task != "choice" else "relation"
    with pytest.raises(SystemExit, match=f"is of the task {task}, not {other}"):
        main([*words.split(), "--task", other])


def test_choices_one_by_one(tmp_path, capsys):
    """The form is saved with the model: predict and evaluate need not be told."""
    out = tmp_path / "sequential"
    words = f"--task choice --sequential --corpus {corpus('choice')} --encoder tiny"
    trained = train(out, f"{words} --agent ppo --samples 2")
    capsys.readouterr()
    main(["predict", str(out), corpus("choice")])
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    gold = [record["answer"] for record in read_records(corpus("choice"), "test")]
    right = [row["answer"] == answer for row, answer in zip(rows, gold, strict=True)]
    assert trained["test"]["accuracy"] == pytest.approx(sum(right) / len(right))


def test_questions_in_squads_own_file(runs, tmp_path, capsys):
    out, _ = runs("spanqa")
    asked = [{"id": "q1", "question": "Who?"}, {"id": "q2", "question": "Where?"}]
    paragraph = {"context": "Ann lives in Rome.", "qas": asked}
    file = tmp_path / "questions.json"
    file.write_text(json.dumps({"data": [{"title": "Ann", "paragraphs": [paragraph]}]}, indent=1))
    capsys.readouterr()
    main(["predict", str(out), str(file)])
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["id"] for row in rows] == ["q1", "q2"]
    for row in rows:
        assert row["answer"] == paragraph["context"][row["start"] : row["end"]]


MIX = """
[slots]
task = "tagging"
corpus = "synthetic:commands?train=20&dev=4&test=4"
weight = 3

[intents]
task = "classification"
train = "intents.jsonl"
labels = "what"

[roles]
task = "sentences"
corpus = "synthetic:abstracts?train=20&dev=4&test=4"
weight = 1
"""


def test_a_mix_is_one_labeller_for_its_tasks(tmp_path, capsys):
    rows = [{"text": "stop the alarm", "what": "stop"}, {"text": "play jazz", "what": "play"}]
    (tmp_path / "intents.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    mix, new = tmp_path / "mix.toml", tmp_path / "new"
    mix.write_text(MIX)
    words = f"--task multitask --mix {mix} --agent"
    with pytest.raises(SystemExit, match=r"mix\.toml: \[intents\] has no weight, and others"):
        train(new, f"{words} supervised --encoder tiny")
    mix.write_text(MIX.replace("weight = 3\n", "").replace("weight = 1\n", ""))
    trained = train(new, f"{words} supervised --encoder tiny")
    assert trained["test"].keys() >= {"mean", "slots/entity_f1", "roles/accuracy"}
    further = train(tmp_path / "rl", f"{words} ppo --warm-start {new}")
    assert further["curve"][0]["metrics"] == pytest.approx(trained["dev"], abs=1e-6)

    capsys.readouterr()
    main(["evaluate", str(new), "--data", str(mix), "--json"])
    measured = json.loads(capsys.readouterr().out)
    assert {n: measured[n] for n in trained["test"]} == pytest.approx(trained["test"], abs=1e-6)

    texts = tmp_path / "texts.jsonl"
    rows = [
        {"task": "intents", "text": "play jazz", "what": "play"},
        {"task": "roles", "sentences": ["We ask why.", "It works."], "labels": ["other", "result"]},
        {"task": "slots", "tokens": ["play", "jazz"], "labels": ["O", "O"]},
    ]
    texts.write_text("".join(json.dumps(row) + "\n" for row in rows))
    capsys.readouterr()
    main(["predict", str(new), str(texts)])
    shown = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["task"] for row in shown] == ["intents", "roles", "slots"]
    assert shown[0].keys() == {"task", "text", "label", "probabilities"}
    assert shown[0]["label"] in {"play", "stop"}
    assert len(shown[1]["labels"]) == len(shown[2]["labels"]) == 2


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("a = 1", "mix.toml: [a] must say its task, one of tagging, classification, relation, "),
        ("[a]\ntask = 'spanqa'", "got spanqa"),
        ("[a]\ntask = 'tagging'", "mix.toml: [a] must say its corpus, or its files"),
        ("[a]\ntask = 'tagging'\nlabel = 'x'", "mix.toml: [a] has no use for label: known are"),
        (
            "[a]\ntask = 'tagging'\ncorpus = 'synthetic:commands'\nweight = '1'",
            "mix.toml: [a] wants a number as weight, got '1'",
        ),
        (
            "[a]\ntask = 'tagging'\ncorpus = 'synthetic:commands'\nweight = -1",
            "mix.toml: weights must be 0 or more",
        ),
        ("[a", "mix.toml: "),
    ],
)
def test_a_bad_mix_is_named(tmp_path, table, message):
    mix = tmp_path / "mix.toml"
    mix.write_text(table)
    with pytest.raises(SystemExit) as stop:
        train(tmp_path / "new", f"--task multitask --mix {mix} --encoder tiny")
    assert message in str(stop.value)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--task tagging --question q", "task tagging has no use for --question"),
        ("--task tagging --sequential", "task tagging has no use for --sequential"),
        ("--task relation --sentences 2", "task relation has no use for --sentences"),
        ("--task summary --max-answer 3", "task summary has no use for --max-answer"),
        ("--task choice --mix mix.toml", "task choice has no use for --mix"),
        ("--task multitask --labels tags", "task multitask has no use for --labels"),
        ("--task multitask --train x.conll", "reads its files from --mix: leave out --train"),
        ("--task multitask --mix no.toml", "no.toml: there is no such file"),
        (f"--task multilabel --history previous --corpus {corpus('multilabel')}", "use 'none'"),
        (
            f"--task summary --words 1 --oracle rouge --corpus {corpus('summary')}",
            "synthetic:abstracts[train]:1: no sentence fits a budget of 1 words: raise it",
        ),
        (f"--task spanqa --reward rouge --corpus {corpus('spanqa')}", "labels are candidates"),
        (
            f"--task spanqa --metric rouge --corpus {corpus('spanqa')}",
            "no metric 'rouge': choose f1, exact_match",
        ),
    ],
)
def test_an_option_that_a_task_has_no_use_for(tmp_path, words, message):
    with pytest.raises(SystemExit) as stop:
        train(tmp_path / "new", f"{words} --encoder tiny")
    assert message in str(stop.value)


@pytest.mark.parametrize(
    ("task", "record", "message"),
    [
        ("spanqa", {"question": "Who?"}, "no column for the context"),
        (
            "spanqa",
            {"question": "Who?", "context": "Ann.", "answers": [{"text": "Ann", "start": 1}]},
            "says that 'Ann' starts at 1, where the context has 'nn.'",
        ),
        (
            "choice",
            {"question": "Who?", "choices": ["a", "b"], "answer": 2},
            "'answer' is 2, and there are 2 choices: wanted 0 .. 1",
        ),
        (
            "choice",
            {"question": "Who?", "choices": ["a", "b"]},
            "Name it (--labels COLUMN",
        ),
        (
            "relation",
            {"text": "a b", "head_span": [0, 1], "tail_span": [2, 9], "label": "x"},
            "'tail_span' is [2, 9], and the text has the characters 0 .. 3",
        ),
        (
            "summary",
            {"sentences": ["a b", "c"], "labels": [1, 1], "summary": "a"},
            "takes 2 sentences and the budget is 1: raise it in training (--sentences)",
        ),
        ("sentences", {"sentences": [], "labels": []}, "'sentences' must be a list of strings"),
        ("multilabel", {"text": "a", "labels": ["x", "x"]}, "names a label twice"),
        ("slots_intent", {"tokens": ["a"], "slots": ["O"]}, "Name it (--intent COLUMN"),
    ],
)
def test_a_file_that_is_not_as_wanted_is_named_with_its_line(tmp_path, task, record, message):
    file = tmp_path / "texts.jsonl"
    file.write_text(json.dumps(record) + "\n")
    with pytest.raises(SystemExit) as stop:
        train(tmp_path / "new", f"--task {task} --train {file} --encoder tiny")
    assert "texts.jsonl:1: " in str(stop.value)
    assert message in str(stop.value)
    assert not (tmp_path / "new").exists()


def test_every_environment_is_listed_in_words(capsys):
    main(["envs"])
    lines = dict(line.split("  ", 1) for line in capsys.readouterr().out.splitlines())
    ids = {spec.id for spec in gymnasium.registry.values() if spec.namespace == "lingym"}
    assert lines.keys() == ids
    assert all(text.strip()[0].isupper() and text.endswith(".") for text in lines.values())
    assert len(set(lines.values())) == len(lines)
