"""A labeller served as a stream: simulated users, real feedback in a file, and going on."""

import io
import json
import os
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lingym.agents import Labeller, OnlineLearner, OnlineSettings
from lingym.envs.corpora import read_records
from lingym.rewards.feedback import Bandit, Verdicts
from lingym.scripts.cli import main
from lingym.scripts.feedback_file import FeedbackFile
from lingym.scripts.users import Users
from lingym.types import DataError, Labelings

CORPUS = "synthetic:commands?train=48&dev=6&test=6"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "intent"
    main(
        f"train --out {out} --task classification --corpus {CORPUS} --encoder tiny "
        "--agent supervised --labels intent --episodes 48 --device cpu".split()
    )
    return out


def rows_of(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_a_stream_is_labelled_in_order_learned_from_and_goes_on(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "served"
    words = f"--data {CORPUS} --labels intent --feedback bandit --delay 10 --batch-size 8 "
    words += "--replay 0.5 --learning-rate 1e-3 --every 16 --device cpu"
    main(f"stream {run} {words} --limit 40 --out {out}".split())
    said = capsys.readouterr()
    rows = rows_of(said.out)
    assert [row["id"] for row in rows] == list(range(40))
    assert rows[0].keys() == {"id", "text", "label", "probabilities"}
    assert "lately" in said.err and "so far" in said.err
    metrics = json.loads((out / "metrics.json").read_text())
    assert (metrics["texts"], metrics["feedbacks"], metrics["updates"]) == (40, 40, 5)
    last = metrics["curve"][-1]
    assert last["feedback"] == pytest.approx(last["so_far"]["accuracy"])  # bandit says right or not
    # The run that was served is as it was; the new one is read as any other.
    row = Labeller.load(run, "cpu").predict(["stop"])[0]
    assert row != Labeller.load(out, "cpu").predict(["stop"])[0]
    main(["evaluate", str(out), "--data", CORPUS, "--labels", "intent", "--json"])
    assert "accuracy" in json.loads(capsys.readouterr().out)
    # Stopped after 40, it goes on as one that had 48 to label would, but for when feedback came.
    main(f"stream {out} {words} --limit 8 --out {out}".split())
    assert [row["id"] for row in rows_of(capsys.readouterr().out)] == list(range(40, 48))
    assert OnlineLearner.load(out, "cpu").updates == 6


def test_labels_do_not_depend_on_feedback_that_has_not_come(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The labels before the first feedback are those of the run; later ones are not."""

    def labels(words: str) -> list[Any]:
        main(f"stream {run} --data {CORPUS} --labels intent --device cpu {words}".split())
        return [row["probabilities"] for row in rows_of(capsys.readouterr().out)]

    still = labels("--delay 1000")
    late = labels("--delay 20 --batch-size 4 --learning-rate 1e-3")
    at_once = labels("--delay 0 --batch-size 4 --learning-rate 1e-3")
    assert late[:24] == still[:24]
    assert late[24] != still[24]
    assert at_once[:4] == still[:4]
    assert at_once[4] != still[4]


class Taciturn(Bandit):
    """Speaks of every other text only, and never of more than ten."""

    name = "taciturn"

    def verdicts(self, labelings: Labelings) -> Verdicts:
        said = super().verdicts(labelings)
        return replace(said, given=said.given & (labelings.examples % 2 == 0)[:, None])

    @property
    def exhausted(self) -> bool:
        return self.spent >= 10


def test_silence_is_not_taken_for_a_score_of_0(run: Path) -> None:
    learner = OnlineLearner(Labeller.load(run, "cpu"), OnlineSettings(batch_size=3))
    records = read_records(CORPUS)[:40]
    users = Users(learner.labeller.read(records, label="intent"), Taciturn(), learner)
    for start in range(0, 40, 4):
        users.see([row["id"] for row in learner.label(records[start : start + 4])])
        users.tell(start + 4)
    assert list(learner.waiting) == [*range(1, 20, 2), *range(20, 40)]
    assert learner.updates == 3
    assert users.told == 40
    assert (users.game.episodes.gold == -1).all()


class Typed(io.TextIOWrapper):
    """Standard input as bytes and as text."""

    def __init__(self, text: str) -> None:
        super().__init__(io.BytesIO(text.encode()), encoding="utf-8")


def test_standard_input_with_gold_labels(
    run: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    typed = [{"text": "stop now", "intent": "play_music"}] * 9
    monkeypatch.setattr("sys.stdin", Typed("".join(json.dumps(row) + "\n" for row in typed)))
    main(
        f"stream {run} --labels intent --format jsonl --feedback accuracy --delay 2 "
        "--batch-size 3 --device cpu".split()
    )
    said = capsys.readouterr()
    assert len(rows_of(said.out)) == 9
    assert "9 texts      3 updates" in said.err


def test_real_feedback_comes_through_a_pipe(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pipe, texts, out = tmp_path / "feedback", tmp_path / "texts.txt", tmp_path / "served"
    os.mkfifo(pipe)
    texts.write_text("stop\nplay jordan\nwake me\n")

    def answer() -> None:
        with pipe.open("w") as file:  # opens when the stream has opened it, too
            seen.wait(20)
            file.write('{"id": 1, "score": 1}\n\n{"id": 0, "sco')
            file.flush()
            file.write('res": [0.5]}\n')

    seen = threading.Event()
    user = threading.Thread(target=answer)
    user.start()
    threading.Timer(0.6, seen.set).start()
    main(
        f"stream {run} --data {texts} --feedback-file {pipe} --wait 3 --batch-size 2 "
        f"--out {out} --device cpu".split()
    )
    user.join()
    assert len(rows_of(capsys.readouterr().out)) == 3
    metrics = json.loads((out / "metrics.json").read_text())
    assert (metrics["feedbacks"], metrics["updates"], metrics["waiting"]) == (2, 1, 1)
    assert metrics["curve"][-1]["feedback"] == 0.75


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("nonsense", "not JSON"),
        ('{"id": 1}', 'wanted {"id": n, "score": x}'),
        ('{"id": 1, "score": "good"}', "wanted"),
        ('{"id": 1, "score": true}', "wanted"),
        ('{"id": "a", "score": 1}', "wanted"),
        ('{"id": 1, "scores": 1}', "wanted"),
        ('{"id": 1, "score": 1, "more": 1}', "wanted"),
        ("[1]", "wanted"),
    ],
)
def test_a_line_that_is_no_feedback(tmp_path: Path, line: str, message: str) -> None:
    file = tmp_path / "f.jsonl"
    file.write_text(f'{{"id": 0, "score": 1}}\n{line}\n')
    with pytest.raises(DataError, match=r"f.jsonl:2: ") as caught:
        list(FeedbackFile(file).read())
    assert message in str(caught.value)


def test_a_feedback_file_grows(tmp_path: Path) -> None:
    file = tmp_path / "f.jsonl"
    file.write_text('{"id": 0, "sc')
    feedback = FeedbackFile(file)
    assert list(feedback.read()) == []
    with file.open("a") as more:
        more.write('ores": [1, 0.5]}\n{"id": 2, "score": -1}\n')
    assert [(g.id, g.score, g.line) for g in feedback.read()] == [(0, 1.5, 1), (2, -1.0, 2)]
    assert list(feedback.read()) == []
    with pytest.raises(DataError, match=r"none.jsonl: cannot be read"):
        FeedbackFile(tmp_path / "none.jsonl")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--feedback bandit --feedback-file f", "simulates users and --feedback-file has real"),
        ("--delay -1", "--delay must be 0 or more, got -1"),
        ("--wait 2", "--wait is for --feedback-file"),
        ("--data -", "say how they stand there"),
        ("--feedback nonsense", "unknown reward 'nonsense'"),
        ("--out {run}", "holds a run already"),
        ("--replay 1", "replay cannot be 1.0"),
        ("--feedback-file {file} --data {texts}", "no text has the id 7: 1 were labelled"),
    ],
)
def test_mistakes_end_in_one_line(run: Path, tmp_path: Path, words: str, message: str) -> None:
    file, texts = tmp_path / "f.jsonl", tmp_path / "texts.txt"
    file.write_text('{"id": 7, "score": 1}\n')
    texts.write_text("stop\n")
    known = "" if "--data" in words else f"--data {CORPUS} --labels intent "
    filled = known + words.format(run=run, file=file, texts=texts)
    with pytest.raises(SystemExit) as ended:
        main(f"stream {run} --device cpu {filled}".split())
    assert message in str(ended.value)


def test_another_stream_is_not_overwritten_and_nothing_is_saved_of_no_text(
    run: Path, tmp_path: Path
) -> None:
    out, texts = tmp_path / "served", tmp_path / "texts.txt"
    words = f"--feedback-file {texts} --device cpu --out {out}"
    texts.write_text("")
    with pytest.raises(SystemExit, match=r"none\.txt"):
        main(f"stream {run} --data {tmp_path / 'none.txt'} {words}".split())
    assert not out.exists()
    OnlineLearner(Labeller.load(run, "cpu")).save(out)
    with pytest.raises(SystemExit, match="holds a stream already: go on with it"):
        main(f"stream {run} --data {CORPUS} {words}".split())


def test_a_smaller_batch_than_what_waits_does_not_end_a_stream_that_goes_on(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "served"
    words = f"--data {CORPUS} --labels intent --feedback bandit --delay 3 --device cpu --out {out}"
    main(f"stream {run} {words} --limit 10 --batch-size 16".split())
    assert len(OnlineLearner.load(out, "cpu").ready) == 10
    capsys.readouterr()
    main(f"stream {out} {words} --limit 20 --batch-size 4".split())
    assert [row["id"] for row in rows_of(capsys.readouterr().out)] == list(range(10, 30))


def test_a_feedback_file_is_read_again_and_to_its_last_line(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, texts, file = tmp_path / "served", tmp_path / "texts.txt", tmp_path / "f.jsonl"
    texts.write_text("stop\nplay jordan\n")
    words = f"--data {texts} --feedback-file {file} --device cpu --out {out}"
    file.write_text('{"id": 0, "score": 1}\n{"id": 1, "score": 0}')  # no end of the line
    main(f"stream {run} {words}".split())
    assert json.loads((out / "metrics.json").read_text())["feedbacks"] == 2
    file.write_text(file.read_text() + '\n{"id": 2, "score": 1}\n')
    capsys.readouterr()
    main(f"stream {out} {words}".split())
    assert "2 lines of" in capsys.readouterr().err
    assert json.loads((out / "metrics.json").read_text())["feedbacks"] == 1
    file.write_text('{"id": 3, "sco')
    with pytest.raises(SystemExit, match=r"f.jsonl:1: not JSON"):
        main(f"stream {out} {words}".split())
