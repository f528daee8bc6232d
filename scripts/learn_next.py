"""`lingym learn-next`: a policy that chooses which text to label next, learned by playing."""

from dataclasses import dataclass, field
from pathlib import Path

from lingym.scripts.arguments import Reading, TaskName, TaskOptions
from lingym.scripts.options_tuning import EncoderTuning


@dataclass(frozen=True)
class LearnNext:
    """Learn by REINFORCE to choose which text to label next; `label-next --how OUT` uses it.

    Many rounds of labelling are played on texts whose labels are known: a few are labelled, the
    policy chooses one of some, and the heads of a frozen encoder are trained anew.
    """

    out: Path
    """Folder for what is learned."""
    task: TaskName = "classification"
    """What the units and the labels are."""
    corpus: str | None = None
    """A corpus with its own splits; the default, if no --train is given, is a generated one."""
    train: str | None = None
    """Labelled texts to play on."""
    dev: str | None = None
    """Labelled texts to measure on: what a label was worth."""
    train_limit: int | None = 500
    """Play on so many texts, drawn by --seed."""
    dev_limit: int | None = 500
    """Measure on the first so many."""
    reading: Reading = field(default_factory=Reading)
    options: TaskOptions = field(default_factory=TaskOptions)
    encoder: str = "minilm"
    """minilm, tiny, a folder, or a Hugging Face Hub name."""
    max_tokens: int = 128
    """Tokens to a window."""
    metric: str | None = None
    """The dev metric whose rise is the reward; by default the task's own."""
    start: int = 10
    """Labelled texts at the beginning of an episode."""
    horizon: int = 10
    """Labels of an episode."""
    candidates: int = 20
    """Texts that are shown at a step."""
    updates: int = 40
    """Of the policy."""
    samples: int = 8
    """Episodes of an update."""
    learning_rate: float = 0.1
    """Of the policy's weights."""
    steps: int = 60
    """Updates of the heads, each time they are trained."""
    head_rate: float = 0.02
    """The heads' learning rate."""
    seed: int = 0
    """Of everything random."""
    device: str = "auto"
    """cpu, cuda, or auto."""

    def run(self) -> None:
        """Learn, and save.

        Raises:
            ValueError: the folder is taken, or an option is out of its range.
        """
        import sys

        from lingym.agents.active import HeadOracle, learn_chooser
        from lingym.agents.active.chooser import ABOUT, Chooser
        from lingym.envs.active import NAMES, ActiveLabellingEnv
        from lingym.scripts.train import Train
        from lingym.scripts.train_check import check_numbers
        from lingym.scripts.training import make_agent, read

        if (self.out / ABOUT).exists():
            raise ValueError(f"{self.out} holds a policy already: give another --out")
        own = [*("out", "task", "corpus", "train", "dev", "train_limit", "dev_limit", "reading")]
        own += ["options", "encoder", "max_tokens", "seed", "device"]
        run = Train(
            **{name: getattr(self, name) for name in own},
            agent="supervised",
            limit_seed=self.seed,
            tuning=EncoderTuning(tune="frozen"),
        )
        check_numbers(run)
        dataset = read(run)
        if "dev" not in dataset.splits:
            raise ValueError("what a label was worth is measured on dev: give --dev FILE")
        policy = make_agent(run, dataset).policy
        sizes = {"metric": self.metric, "steps": self.steps, "learning_rate": self.head_rate}
        oracle = HeadOracle(policy, dataset["train"], dataset["dev"], **sizes)  # type: ignore[arg-type]
        env = ActiveLabellingEnv(
            oracle, start=self.start, horizon=self.horizon, candidates=self.candidates
        )

        def tell(update: int, gain: float) -> None:
            told = f"update {update + 1:>4}/{self.updates}  {oracle.metric} rose by {gain:+.4f}"
            print(told, file=sys.stderr, flush=True)

        learned = learn_chooser(
            env, self.updates, self.samples, self.learning_rate, self.seed, tell
        )
        corpus = self.train or self.corpus or dataset.task.corpus
        about = {**learned.about, "encoder": self.encoder, "corpus": corpus, "task": self.task}
        about |= {"metric": oracle.metric, "steps": self.steps, "head_rate": self.head_rate}
        Chooser(learned.weights, about=about).save(self.out)
        for name, weight in zip(NAMES, learned.weights, strict=True):
            print(f"{name:<10} {weight:+.3f}")
        print(f"saved in {self.out}", file=sys.stderr)
