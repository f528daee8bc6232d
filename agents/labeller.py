"""A trained policy with its task and tokenizer: labels texts, and is saved and loaded as one."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, get_args

import numpy as np
import torch
from stable_baselines3.common.utils import get_device
from tokenizers import Tokenizer
from transformers import PreTrainedTokenizerFast

from lingym.agents.evaluate import evaluate
from lingym.agents.own_noise import OwnNoise
from lingym.envs import (
    Abstaining,
    Episodes,
    Example,
    ExtractiveSummary,
    MultipleChoice,
    MultiTask,
    Task,
    encode,
)
from lingym.envs.corpora import Record
from lingym.envs.episodes import Overflow
from lingym.envs.spaces import LabelDiscrete, observation_space
from lingym.envs.tasks import TASKS
from lingym.envs.tasks.abstaining import SETTING, known_task
from lingym.envs.tokenizer import SPECIAL, UnitTokenizer, load_tokenizer, stock_tokenizer
from lingym.files import replace_folder
from lingym.hub import TINY, encoder_path
from lingym.policies import (
    LabelPolicy,
    ResidualPolicy,
    load_heads,
    read_labels,
    read_settings,
    save_policy,
    saved_policy,
)
from lingym.policies.encoder_base import model_in
from lingym.policies.save import BASE, SETTINGS
from lingym.policies.tuned_encoder import weight_files
from lingym.rewards import without_abstain
from lingym.trusted import header_of, read_json
from lingym.trusted_config import check_config
from lingym.types import LabelSpace, Quota

STOCK = (None, "tagging", "classification", "multilabel")
"""Tasks that stock classifiers of words and texts know too; None: a task of the user's own."""

FORMS = {"multilabel": "text", "spanqa": "candidates"}
"""The form of the labels of tasks that do not label units of their own."""

FILES = ("config.json", "tokenizer.json")
MOST_TOKENS = 1_000_000
"""To a window."""


@dataclass(frozen=True)
class Labeller:
    """What labels a text that it never saw.

    Attributes:
        policy: the trained policy.
        task: a name of `lingym.envs.tasks.TASKS`; None for a task of the user's own.
        tokenizer: the policy's tokenizer.
        max_tokens: tokens to a window.
        overflow: what happens to a longer text.
        settings: the task's arguments that reading depends on (`lingym.envs.Task.saved`).
    """

    policy: LabelPolicy
    task: str | None
    tokenizer: Tokenizer
    max_tokens: int
    overflow: Overflow = "windows"
    settings: Mapping[str, Any] = field(default_factory=dict)

    def predict(
        self, texts: Sequence[str | Sequence[str] | Mapping[str, Any]]
    ) -> list[dict[str, Any]]:
        """Label texts.

        Args:
            texts: strings, or lists of words (for tagging a string is split at white space); or,
                for tasks that read more than a text, dicts of their columns: ``{"question": ...,
                "context": ...}``.

        Returns:
            One dict a text, as the task presents it (`lingym.envs.Task.present`): for tagging
            ``tokens`` and ``labels``, for classification ``text``, ``label`` and
            ``probabilities`` by label.

        Raises:
            DataError: a text is empty.
        """
        return list(self.predict_records(self.records(texts)))

    def records(
        self, texts: Sequence[str | Sequence[str] | Mapping[str, Any] | Record]
    ) -> list[Record]:
        """Texts as `predict` takes them, each as a record; what is one already stays."""
        name = "text" if self.policy.labels.of_text else "tokens"
        records = []
        for place, text in enumerate(texts, 1):
            if isinstance(text, Record):
                records.append(text)
            elif isinstance(text, Mapping):
                records.append(Record(text, "text", (place,)))
            else:
                words = text if isinstance(text, str) else list(text)
                records.append(Record({name: words}, "text", (place,)))
        return records

    def predict_records(
        self, records: Sequence[Record], **columns: str | None
    ) -> Iterator[dict[str, Any]]:
        """Label records of a corpus, as `predict`; gold labels in them are not looked at.

        Args:
            records: rows of a corpus.
            columns: the columns that hold what the task reads, by the names of its arguments; None
                takes the first usual name that is there.
        """
        columns_given: dict[str, Any] = dict(columns)
        episodes = self.read(records, unlabelled=True, **columns_given)
        for start in range(0, len(episodes), 32):
            batch = episodes.batch(range(start, min(start + 32, len(episodes))))
            with torch.no_grad():
                features = self.policy.features(self.policy.texts(batch))
                distribution = self.policy.distribution(features, batch)
                labels = distribution.mode()
                chances = distribution.log_probs(labels).exp().cpu().numpy().astype(np.float64)
            for row, place in enumerate(batch.examples):
                given = labels[row].cpu().numpy().astype(np.int32)
                given = given[given >= 0]
                yield episodes.task.present(
                    episodes.examples[place], given, episodes.space, chances[row, : len(given)]
                )

    def evaluate(self, records: Sequence[Record], **columns: Any) -> dict[str, float]:
        """The corpus metrics of labelled records (`lingym.rewards.corpus_metrics`).

        Raises:
            DataError: a record lacks gold labels, or has one that the policy does not know.
        """
        return evaluate(self.policy, self.read(records, **columns))

    def read(
        self, records: Sequence[Record], task: Task | None = None, **arguments: Any
    ) -> Episodes:
        """Records as episodes of this labeller's task and labels.

        Args:
            records: rows of a corpus.
            task: reads them; None takes the saved task.
            arguments: of the saved task's class.
        """
        labels = self.policy.labels
        if task is None:
            if self.task is None:
                raise ValueError("this model's task is its user's own: give it as task=")
            task = known_task(TASKS[self.task], labels, **self.settings, **arguments)
        examples: list[Example] = task.read({"text": records})["text"]
        return encode(task, examples, labels, self._units, self.max_tokens, self.overflow)

    @cached_property
    def _units(self) -> UnitTokenizer:
        """The tokenizer made ready for units, which takes longer than labelling a text."""
        return UnitTokenizer(self.tokenizer)

    def save(self, folder: str | Path) -> None:
        """Write a model folder that `Labeller.load` reads; an older one is replaced whole.

        The files are `lingym.policies.save`'s and a Hugging Face tokenizer's.

        Raises:
            ValueError: the folder holds something else, which would be lost, or the base that this
                model stands on.
            NotWritten: the disk is full, or nothing may be written there; an older one still
                stands.
        """
        folder = Path(folder)
        _keeps_base(self.policy, folder)
        if folder.is_dir() and any(folder.iterdir()) and not (folder / "lingym.json").is_file():
            raise ValueError(f"{folder} holds other files than a model's: name another folder")
        folder.parent.mkdir(parents=True, exist_ok=True)
        replace_folder(folder, self._write)

    def _write(self, new: Path) -> None:
        """Fill an empty folder."""
        settings = {"max_tokens": self.max_tokens, "overflow": self.overflow}
        kept = {"task": self.task, "task_settings": dict(self.settings)}
        if isinstance(self.policy, ResidualPolicy):
            kept["residual"] = {"shared": self.policy.shared}
        save_policy(self.policy, new, self.task in STOCK, **kept, **settings)
        self._stock_tokenizer().save_pretrained(new)
        if isinstance(self.policy, ResidualPolicy):
            replace(self, policy=self.policy.base.policy).save(new / BASE)

    @classmethod
    def load(cls, folder: str | Path, device: str = "auto", base: str | None = None) -> "Labeller":
        """Read a model folder, or the ``model`` in a run's folder.

        Args:
            folder: what `save` wrote, or ``lingym train --out``.
            device: ``auto`` takes a GPU where there is one.
            base: where the model lies that a part-trained one stands on, if it has moved; see also
                ``LINGYM_BASE`` (docs/encoder-tuning.md).

        Raises:
            ValueError: the folder is not a lingym model, or is torn, or its base is not there, or
                it holds what is not to be trusted (docs/security.md): it is data, and no code in it
                is run.
        """
        folder = model_folder(folder)
        settings, labels = read_settings(folder), read_labels(folder)
        _complete(folder, settings)
        fault = _task_fault(settings["task"], settings.get("task_settings", {}), labels)
        if fault:
            raise ValueError(f"{folder}/lingym.json: {fault}")
        tokenizer = load_tokenizer(str(folder))
        max_tokens = settings["max_tokens"]
        space = observation_space(
            tokenizer.get_vocab_size(), windows=1, tokens=max_tokens, units=1, labels=len(labels)
        )
        kind, more = saved_policy(folder, settings, base)
        kept = {name: settings[name] for name in SETTINGS}
        with OwnNoise(torch.device("cpu"), seed=0):  # every weight that is drawn is replaced
            policy = kind(space, LabelDiscrete(labels), lambda _: 0.0, **more, **kept)
            load_heads(policy, folder)
        highest = max(tokenizer.get_vocab().values(), default=0)
        if highest >= _vocabulary(policy):
            raise ValueError(
                f"{folder}/tokenizer.json gives the token {highest}, and the encoder has "
                f"{_vocabulary(policy)}: the two are not of one model"
            )
        policy.to(get_device(device))
        return cls(
            *(policy, settings["task"], tokenizer, max_tokens, settings["overflow"]),
            settings=settings.get("task_settings", {}),
        )

    def _stock_tokenizer(self) -> Any:
        """The tokenizer as Hugging Face pipelines want it."""
        policy = self.policy
        while isinstance(policy, ResidualPolicy):  # which reads the tokens of what it corrects
            policy = policy.base.policy
        name = policy.encoder_name
        if name != TINY:
            return stock_tokenizer(encoder_path(name))
        special = {f"{role}_token": token for role, token in SPECIAL.items()}
        return PreTrainedTokenizerFast(tokenizer_object=self.tokenizer, **special)


def _vocabulary(policy: LabelPolicy) -> int:
    """How many tokens the encoders of a policy know, each of them."""
    config: Any = policy.encoder.config
    size: int = config.vocab_size
    return (
        min(size, _vocabulary(policy.base.policy)) if isinstance(policy, ResidualPolicy) else size
    )


def _keeps_base(policy: LabelPolicy, folder: Path) -> None:
    """Refuse to replace the folder that a part-trained model needs to be read again."""
    base = policy.encoder_base
    if base is not None and Path(model_in(base.name)).resolve() == folder.resolve():
        raise ValueError(
            f"{folder} holds the base of this model (tune {policy.tune}), which is saved without "
            "it: name another folder, or merge first"
        )


def _complete(folder: Path, settings: dict[str, Any]) -> None:
    """Refuse a folder that is torn: a file or a setting missing, or not what it should be."""
    files = (*FILES, *weight_files(folder))
    missing = [name for name in files if not (folder / name).is_file()]
    if missing:
        raise ValueError(f"{folder} is torn: it has no {', '.join(missing)}")
    for name in files:
        if name == "config.json":
            check_config(read_json(folder / name), folder / name)
        elif name.endswith(".safetensors"):
            header_of(folder / name)
    task, size, overflow = (settings.get(name) for name in ("task", "max_tokens", "overflow"))
    if task not in (None, *TASKS) or type(size) is not int or not 1 <= size <= MOST_TOKENS:
        raise ValueError(
            f"{folder}/lingym.json: task {task!r} must be null or one of {', '.join(TASKS)}, and "
            f"max_tokens {size!r} a whole number of at most {MOST_TOKENS:,}"
        )
    if overflow not in get_args(Overflow):
        raise ValueError(f"{folder}/lingym.json: overflow {overflow!r} must be windows or refuse")


def _task_fault(name: str | None, kept: Any, labels: LabelSpace) -> str:
    """What is wrong with a task's settings, or with its labels; "" for nothing."""
    if name is None:
        return ""
    if not isinstance(kept, dict):
        return f"task_settings is {kept!r}; wanted an object"
    kind = TASKS[name]
    if SETTING in kept:
        return _abstain_fault(name, kept, labels)
    if kind is MultiTask:
        return _mix_fault(kept, labels)
    for key, value in kept.items():
        sound = type(value) is bool if key == "sequential" else value is None or _positive(value)
        if key == "pattern":
            sound = isinstance(value, str)
        if key not in kind.settings or not sound:
            known = ", ".join(kind.settings) or "none"
            return (
                f"task_settings has {key!r}: {value!r}, which {name} cannot have (it has {known})"
            )
    wanted = FORMS.get(name, "units")
    if kind is MultipleChoice and not kept.get("sequential"):
        wanted = "candidates"
    if labels.form != wanted or (name == "slots_intent") != bool(labels.kinds):
        return f"task {name} has other labels than these ({labels.form}, {', '.join(labels.names)})"
    if kind in (MultipleChoice, ExtractiveSummary):  # whose labels no text adds to
        own = kind.of_space(labels, **kept).label_space(())
        if (own.names, own.stop, own.quota) != (labels.names, labels.stop, labels.quota):
            return f"task_settings {kept} and the labels and rules of space are not of one model"
    return ""


def _abstain_fault(name: str, kept: dict[str, Any], labels: LabelSpace) -> str:
    own = {key: value for key, value in kept.items() if key != SETTING}
    try:
        inside = without_abstain(labels)
        fault = _task_fault(name, own, inside)
        if fault:
            return fault
        wanted = known_task(TASKS[name], labels, **kept)
        assert isinstance(wanted, Abstaining)
    except (TypeError, ValueError) as error:
        return f"task_settings has {SETTING!r}: {kept[SETTING]!r}: {error}"
    quota = None if wanted.budget is None else Quota(len(inside), limit=wanted.budget)
    if labels.quota != quota:
        return f"task_settings {kept} and the labels and rules of space are not of one model"
    return ""


def _mix_fault(kept: dict[str, Any], labels: LabelSpace) -> str:
    tasks = kept.get("tasks")
    if kept.keys() != {"tasks"} or not isinstance(tasks, dict) or [*tasks] != [*labels.kinds]:
        return f"task_settings must hold the tasks {', '.join(labels.kinds)}, got {kept}"
    for place, (name, own) in enumerate(tasks.items()):
        kind = own.get("kind") if isinstance(own, dict) else None
        if not isinstance(kind, str) or kind not in TASKS or kind == MultiTask.name:
            return f"the task {name} has the kind {kind!r}: wanted one of {', '.join(TASKS)}"
        rest = {key: value for key, value in own.items() if key != "kind"}
        fault = _task_fault(kind, rest, labels.of_kind(place)[0])
        if fault:
            return f"the task {name}: {fault}"
    return ""


def _positive(value: Any) -> bool:
    return type(value) is int and value > 0


def model_folder(folder: str | Path) -> Path:
    """The model folder in a run's folder, or the folder itself if it is one.

    Raises:
        ValueError: the run's model is a link that leads out of the run, or no file can have such a
            name.
    """
    inner = Path(folder) / "model"
    try:
        if inner.is_symlink() and not inner.resolve().is_relative_to(Path(folder).resolve()):
            raise ValueError(f"{inner} is a link that leads out of {folder}: name the model itself")
        return inner if inner.is_dir() else Path(folder)
    except OSError as error:  # a name that is too long, a folder that may not be looked into
        raise ValueError(f"{folder} cannot be looked into: {error.strerror}") from error
