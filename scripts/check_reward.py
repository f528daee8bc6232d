"""`lingym check-reward`: what a reward says of labelings whose worth is known."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from lingym.scripts.arguments import Reading, TaskName, TaskOptions

if TYPE_CHECKING:
    from lingym.agents import Labeller
    from lingym.envs import Dataset
    from lingym.rewards import Reward


@dataclass(frozen=True)
class CheckReward:
    """Look at a reward before training on it: order, signal, lazy labels, cost, contract."""

    reward: Annotated[str | None, tyro.conf.Positional] = None
    """What a labelling is worth, such as entity_f1 or my_rewards.py:worth; by default the
    task's own."""
    data: str | None = None
    """File with gold labels, or a corpus (its training split); by default a generated corpus of the
    task's own."""
    task: TaskName = "tagging"
    """What the units and the labels are."""
    reading: Reading = field(default_factory=Reading)
    options: TaskOptions = field(default_factory=TaskOptions)
    texts: int = 1000
    """Texts to look at, drawn by chance."""
    progress: float = 0.0
    """The part of the run, 0 to 1, at which a reward that changes in it is looked at."""
    encoder: str = "tiny"
    """What the reward's cost is compared with, and whose tokenizer reads the texts."""
    max_tokens: int = 256
    """Tokens to a window, special tokens among them."""
    policy: Path | None = None
    """A trained labeller's run: what the reward has to say to it on these texts, in its own
    tokens. Its task and encoder are taken."""
    samples: int = 4
    """--policy: the labelings of a text that it draws, as --samples of a run."""
    out: Path | None = None
    """Folder for check-reward.json and check-reward.png."""
    seed: int = 0
    """Of the texts and of wrong labels."""

    def run(self) -> None:
        """Print the tables and the warnings.

        Raises:
            ValueError: the reward breaks what every reward must keep; told after the tables.
        """
        from lingym.rewards import from_spec
        from lingym.scripts import doctor_words as words
        from lingym.scripts.doctor import Patient, examine
        from lingym.scripts.doctor_contract import broken, decomposes
        from lingym.scripts.doctor_cost import cost
        from lingym.scripts.doctor_policy import room, warning
        from lingym.scripts.doctor_policy import words as policy_words

        if self.texts < 1:
            raise ValueError(f"--texts is {self.texts}: wanted 1 or more")
        if not 0 <= self.progress <= 1:
            raise ValueError(f"--progress is {self.progress}: wanted 0 to 1")
        self.check_policy()
        labeller = self.labeller()
        dataset = self.read() if labeller is None else self.read_for(labeller)
        task = dataset.task

        def made() -> "Reward":
            return from_spec(self.reward) if self.reward else task.default_reward(dataset.space)

        reward = made()
        patient = Patient.of(dataset["train"], reward, self.texts, self.seed)
        reward.advance(self.progress)
        learns = patient.warm(self.seed)
        findings = examine(patient, self.seed)
        failed = broken(patient, self.seed)
        sums = decomposes(patient, self.seed)
        task_name = self.task if labeller is None else labeller.task
        encoder = self.encoder if labeller is None else f"of {self.policy}"
        price = cost(
            *(patient, dataset, self.encoder if labeller is None else labeller.policy, self.seed)
        )
        data = str(self.data or self.options.mix or task.corpus)
        title = f"{reward} on {data}"
        number = f"{len(patient.texts)} of {len(dataset['train'])} texts"
        print(f"{title}: {number}, {findings.units} units\n")
        told = list(words.warnings(findings, price, failed, reward.exhausted))
        left, found = [], None
        if labeller is not None:
            own = Patient.of(dataset["train"], made(), self.texts, self.seed)
            own.game.reward.advance(self.progress)
            found = room(own, labeller.policy, self.samples, self.seed)
            left = [[*policy_words(found, str(self.policy))]]
            told += warning(found, str(self.policy))
        for part in (
            words.table(findings),
            words.order(findings),
            words.signal(findings),
            *left,
            [*words.contract(reward, failed, sums, learns), words.price(price, encoder)],
            words.told(told),
        ):
            print(*part, "", sep="\n")
        if self.out is not None:
            from lingym.scripts.doctor_picture import draw
            from lingym.scripts.run_folder import write_json

            self.out.mkdir(parents=True, exist_ok=True)
            content = {
                **{"reward": str(reward), "data": data, "task": task_name},
                **{"texts": len(patient.texts), "units": findings.units, "seed": self.seed},
                **findings.json(),
                **{"sparse": reward.sparse, "decomposes": sums, "learns": learns},
                "broken": failed,
                "cost": {**vars(price), "share": price.share, "of": encoder},
                **({} if found is None else {"policy": {"run": str(self.policy), **vars(found)}}),
                "warnings": told,
            }
            write_json(self.out / "check-reward.json", content)
            name = data if ":" in data else "/".join(Path(data).parts[-2:])
            draw(findings, self.out / "check-reward.png", f"{reward} on {name}")
        if failed:
            raise ValueError(f"reward {reward.name} fails: {', '.join(failed).replace('_', ' ')}")

    def check_policy(self) -> None:
        """Refuse options that have no use with a trained labeller, or without one.

        Raises:
            ValueError: there is such an option, or no texts were given.
        """
        if self.samples < 2:
            raise ValueError(f"--samples is {self.samples}: wanted 2 or more, to compare")
        if self.policy is None:
            if self.samples != CheckReward.samples:
                raise ValueError("--samples is for --policy: the doctor's own policies draw 4")
            return
        if self.data is None:
            raise ValueError("--policy: give the texts that it is to learn from, --data FILE")
        own = {
            "--encoder": self.encoder != CheckReward.encoder,
            "--max-tokens": self.max_tokens != CheckReward.max_tokens,
            "the task's options": self.options != TaskOptions(),
        }
        for name, given in own.items():
            if given:
                raise ValueError(
                    f"--policy has its own encoder, windows and task: leave out {name}"
                )

    def labeller(self) -> "Labeller | None":
        """The trained labeller that the reward is looked at with, if there is one.

        Raises:
            ValueError: it labels another task than the one asked for.
        """
        from lingym.agents import Labeller

        if self.policy is None:
            return None
        labeller = Labeller.load(self.policy)
        if self.task not in (CheckReward.task, labeller.task):
            raise ValueError(f"{self.policy} is of the task {labeller.task}, not {self.task}")
        return labeller

    def read_for(self, labeller: "Labeller") -> "Dataset":
        """The texts in the tokens of a labeller, with its labels."""
        from lingym.envs import Dataset
        from lingym.scripts.labelled import read_labelled

        assert self.policy is not None
        assert self.data is not None
        episodes = read_labelled(labeller, self.policy, self.data, self.reading, "train")
        splits = {"train": episodes}
        return Dataset(episodes.task, episodes.space, labeller.tokenizer, splits)

    def read(self) -> "Dataset":
        """The texts, in the tokens of the encoder: those that a run would train on."""
        from lingym.envs import build
        from lingym.scripts.train import Train
        from lingym.scripts.training import task_and_corpus

        if self.task == "multitask" and self.data is not None:
            raise ValueError("multitask reads its files from --mix: leave out --data")
        run = Train(
            *(Path(), self.task), train=self.data, reading=self.reading, options=self.options
        )
        task, source = task_and_corpus(run)
        return build(task, replace(source, dev=(), test=()), self.encoder, self.max_tokens)
