"""A stream of texts: each is labelled when it comes, and learned from when feedback comes."""

import json
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, fields, replace
from itertools import islice
from pathlib import Path
from typing import Any

import torch

from lingym.agents import Labeller, OnlineLearner, OnlineSettings
from lingym.agents.online_state import is_online
from lingym.envs.corpora import Record
from lingym.envs.corpora.sources import iter_records
from lingym.rewards import from_spec
from lingym.scripts.feedback_file import FeedbackFile, Given
from lingym.scripts.run_folder import refuse_old_run, write_json
from lingym.scripts.stream import Stream
from lingym.scripts.training import say
from lingym.scripts.users import Users

MOST = 512  # texts labelled at once

GOLD = ("labels", "scheme", "on_fault", "oracle", "references")
"""Options that say how gold labels are read."""


def stream(arguments: Stream) -> dict[str, Any]:
    """Serve the stream that the arguments describe.

    Returns:
        What stands in ``metrics.json``: counts, and the progressive score.
    """
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    refuse_contradictions(arguments)
    learner = make_learner(arguments)
    records = read(arguments)
    session = Session(arguments, learner)
    began = time.monotonic()
    try:
        session.serve(records)
    finally:  # what was learned until a fault is not lost
        metrics = session.metrics(time.monotonic() - began)
        if arguments.out is not None and session.texts:
            save(arguments, learner, metrics)
    return metrics


def refuse_contradictions(arguments: Stream) -> None:
    """Raise for options that cannot stand together.

    Raises:
        ValueError: two options contradict each other, or a number is out of its range.
    """
    if arguments.feedback is not None and arguments.feedback_file is not None:
        raise ValueError("--feedback simulates users and --feedback-file has real ones: give one")
    for name, least in (("delay", 0), ("every", 1), ("limit", 1), ("wait", 0)):
        value = getattr(arguments, name)
        if value is not None and value < least:
            raise ValueError(f"--{name} must be {least} or more, got {value}")
    if arguments.wait and arguments.feedback_file is None:
        raise ValueError("--wait is for --feedback-file")
    if arguments.out is not None and arguments.out.resolve() != arguments.run_folder.resolve():
        if is_online(arguments.out):
            raise ValueError(
                f"{arguments.out} holds a stream already: go on with it (lingym stream "
                f"{arguments.out}), give another --out, or remove it"
            )
        refuse_old_run(arguments.out)
    elif arguments.out is not None and not is_online(arguments.out):
        refuse_old_run(arguments.out)


def make_learner(arguments: Stream) -> OnlineLearner:
    """The labeller of a run, ready to learn; or a stream's, which goes on."""
    names = [setting.name for setting in fields(OnlineSettings)]
    given = {name: getattr(arguments, name, None) for name in names}
    asked = {name: value for name, value in given.items() if value is not None}
    if is_online(arguments.run_folder):
        learner = OnlineLearner.load(arguments.run_folder, arguments.device)
        fixed = asked.keys() & {"seed", "memory", "kl_coef"}
        if fixed:
            raise ValueError(
                f"{arguments.run_folder} is a stream that goes on: leave out --{min(fixed)}"
            )
        learner.settings = replace(learner.settings, **asked)
        learner.columns |= columns(arguments, learner.labeller)
        return learner
    labeller = Labeller.load(arguments.run_folder, arguments.device)
    if labeller.task is None:
        raise ValueError(f"{arguments.run_folder} has a task of its user's own: use OnlineLearner")
    return OnlineLearner(labeller, OnlineSettings(**asked), columns(arguments, labeller))


def columns(arguments: Stream, labeller: Labeller) -> dict[str, Any]:
    """The columns that hold what the task reads, gold labels left out."""
    assert labeller.task is not None
    arguments.reading.arguments(labeller.task)  # refuses what the task has no use for
    return replace(arguments.reading, **dict.fromkeys(GOLD)).arguments(labeller.task)


def read(arguments: Stream) -> Iterator[Record]:
    """The texts as they come."""
    options = arguments.reading.options()
    if arguments.feedback_file is not None:
        options = arguments.reading.options_without_labels(arguments.data)
    elif arguments.data == "-" and options.format is None:
        raise ValueError(
            "texts from standard input with simulated feedback need gold labels: say how they "
            "stand there (--format jsonl), or give --feedback-file"
        )
    return islice(iter_records(arguments.data, "train", options), arguments.limit)


class Session:
    """Labelling and learning in turns."""

    def __init__(self, arguments: Stream, learner: OnlineLearner) -> None:
        self.arguments, self.learner = arguments, learner
        self.users: Users | None = None
        self.file: FeedbackFile | None = None
        if arguments.feedback_file is not None:
            self.file = FeedbackFile(arguments.feedback_file)
        self.first = learner.labelled
        self.feedbacks = self.passed_over = 0
        self.score = 0.0  # of all feedbacks together
        self.curve: list[dict[str, Any]] = []
        self.said = 0

    @property
    def texts(self) -> int:
        """Texts labelled in this session."""
        return self.learner.labelled - self.first

    def serve(self, records: Iterator[Record]) -> None:
        """Label all records in turn; learn as feedback comes."""
        known = self.file is None and self.arguments.data != "-"
        if known:
            texts = list(records)
            self._gather(texts)
            records = iter(texts)
        while texts := list(islice(records, self._chunk())):
            if self.file is None and not known:
                self._gather(texts)
            rows = self.learner.label(texts)
            for row in rows:
                sys.stdout.write(json.dumps(row, ensure_ascii=False) + "\n")
            sys.stdout.flush()
            if self.users is not None:
                self.users.see([row["id"] for row in rows])
                self._tell(self.texts - self.arguments.delay)
            self._listen()
            if self.texts - self.said >= self.arguments.every:
                self.report()
        if not self.texts:
            raise ValueError(f"{self.arguments.data} holds no text")
        if self.users is not None:
            self._tell(self.texts)
        end = time.monotonic() + self.arguments.wait
        while time.monotonic() < end:
            time.sleep(min(0.05, self.arguments.wait))
            self._listen()
        if self.file is not None:
            self._take(self.file.finish())
        if self.passed_over:
            say(
                f"{self.passed_over} lines of {self.arguments.feedback_file} are about texts of an "
                "earlier session that wait for no feedback: passed over"
            )
        if self.texts > self.said:
            self.report()

    def _chunk(self) -> int:
        """Texts that the labeller as it is now has to label: they are labelled at once.

        With simulated feedback it is the same until the next update is due. Standard input and real
        feedback do not wait for further texts.
        """
        if self.arguments.data == "-" or self.users is None:
            return 1
        missing = self.learner.settings.batch_size - len(self.learner.ready)
        due = self.users.told + missing + self.arguments.delay
        return min(max(due - self.texts, 1), MOST)

    def _gather(self, texts: Sequence[Record]) -> None:
        """Let the users know the gold labels of texts to come."""
        if not texts:
            return
        labeller = self.learner.labeller
        assert labeller.task is not None
        gold_columns = self.arguments.reading.arguments(labeller.task)
        gold = labeller.read(texts, **{**self.learner.columns, **gold_columns})
        if not gold.labelled:
            raise ValueError("simulated feedback needs gold labels, and some texts have none")
        if self.users is None:
            spec = self.arguments.feedback
            reward = from_spec(spec) if spec else gold.task.default_reward(gold.space)
            self.users = Users(gold, reward, self.learner)
        else:
            self.users.meet(gold)

    def _tell(self, until: int) -> None:
        assert self.users is not None
        scores, _ = self.users.tell(until)
        self.feedbacks += len(scores)
        self.score += float(scores.sum())

    def _listen(self) -> None:
        """Take what users have written since the last time."""
        if self.file is not None:
            self._take(self.file.read())

    def _take(self, lines: Iterable[Given]) -> None:
        """Learn from feedback; a file that was read before is read from its beginning again."""
        for given in lines:
            if 0 <= given.id < self.first and given.id not in self.learner.waiting:
                self.passed_over += 1
                continue
            try:
                self.learner.feedback(given.id, given.rewards)
            except ValueError as error:
                raise given.error(str(error)) from None
            self.feedbacks += 1
            self.score += given.score

    def report(self) -> None:
        """Say how it goes: the score of labels given before anything was learned from them."""
        now: dict[str, Any] = {"texts": self.texts, "updates": self.learner.updates}
        line = f"{self.texts:>7} texts  {self.learner.updates:>5} updates"
        if self.users is not None:
            task, space = self.users.texts.task, self.users.texts.space
            metric = task.metric(space)
            lately = self.users.measure(self.said, self.texts)
            so_far = self.users.measure(0, self.texts)
            now |= {"lately": lately, "so_far": so_far}
            line += f"  {metric} {lately[metric]:.4f} lately, {so_far[metric]:.4f} so far"
            if self.users.reward.exhausted:
                line += "  (the users say no more)"
        if self.feedbacks:
            now["feedback"] = self.score / self.feedbacks
            line += f"  mean feedback {now['feedback']:.4f}"
        self.curve.append(now)
        self.said = self.texts
        say(line)

    def metrics(self, seconds: float) -> dict[str, Any]:
        """What came of the session."""
        return {
            "texts": self.texts,
            "feedbacks": self.feedbacks,
            "updates": self.learner.updates,
            "waiting": len(self.learner.waiting),
            "given_up": self.learner.given_up,
            "seconds": round(seconds, 3),
            "curve": self.curve,
        }


def save(arguments: Stream, learner: OnlineLearner, metrics: Mapping[str, Any]) -> None:
    """Write the folder of a stream."""
    folder: Path = arguments.out or Path()
    learner.save(folder)
    write_json(folder / "stream.json", asdict(arguments))
    write_json(folder / "metrics.json", metrics)
    say(f"saved in {folder}")
