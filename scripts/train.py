"""`lingym train`: labelled text in, a trained, measured and saved policy out."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from lingym.scripts.arguments import AgentName, Reading, TaskName, TaskOptions
from lingym.scripts.options_augment import Augmenting
from lingym.scripts.options_determinism import Determinism
from lingym.scripts.options_disk import Disk
from lingym.scripts.options_fusion import Fusion
from lingym.scripts.options_guard import Guard
from lingym.scripts.options_little import LittleData
from lingym.scripts.options_robust import Robust
from lingym.scripts.options_saving import Saving
from lingym.scripts.options_tuning import EncoderTuning


@dataclass(frozen=True)
class Train:
    """Train a labeller, measure it on dev and test, and save it."""

    out: Path
    """Folder of the run; it must not hold another run."""
    task: TaskName = "tagging"
    """What the units and the labels are."""
    corpus: str | None = None
    """A corpus with its own splits: synthetic:commands, or hf:NAME[/CONFIG]. The default, if no
    --train is given, is a generated corpus of the task's own."""
    train: str | None = None
    """File of the training split: CoNLL, JSON Lines, SQuAD's JSON, CSV or TSV; also .xz
    or .gz."""
    dev: str | None = None
    """File that decides which policy is kept, and when to stop."""
    test: str | None = None
    """File that is scored once, at the end."""
    train_limit: int | None = None
    """Learn from the first so many training texts only; of a mix, from so many of each task."""
    limit_seed: int | None = None
    """Draw the texts of --train-limit by this seed, instead of taking the first: many files are
    sorted. Of two limits the smaller one's texts are among the larger one's."""
    dev_limit: int | None = None
    """Measure on the first so many dev texts only."""
    test_limit: int | None = None
    """Score the first so many test texts only."""
    reading: Reading = field(default_factory=Reading)
    options: TaskOptions = field(default_factory=TaskOptions)
    tuning: EncoderTuning = field(default_factory=EncoderTuning)
    disk: Disk = field(default_factory=Disk)
    fusion: Fusion = field(default_factory=Fusion)
    augmenting: Augmenting = field(default_factory=Augmenting)
    little: LittleData = field(default_factory=LittleData)
    robust: Robust = field(default_factory=Robust)
    saving: Saving = field(default_factory=Saving)
    guard: Guard = field(default_factory=Guard)
    determinism: Determinism = field(default_factory=Determinism)
    max_tokens: int = 256
    """Tokens to a window, special tokens among them."""
    overflow: Literal["windows", "refuse"] = "windows"
    """A longer text is read in overlapping windows, or refused."""

    agent: AgentName = "ppo"
    """How the policy learns."""
    reward: str | None = None
    """What a labelling is worth, such as "0.7*entity_f1(dense=True)+0.3*accuracy"; see `lingym
    rewards`. By default the task's own. Supervised learning uses none."""
    encoder: str | None = None
    """minilm (the default), tiny, a folder, or a Hugging Face Hub name."""
    warm_start: Path | None = None
    """A run to go on from: its encoder, heads, tokenizer and labels, and what its reward has
    learned, if the reward is the same."""
    pooling: Literal["first", "mean"] | None = None
    """A unit's feature: its first token's, or the mean over its tokens. By default first, or the
    warm start's."""
    history: Literal["none", "previous"] | None = None
    """Whether the previous label conditions the next. By default none, or the warm start's."""
    constrained: bool | None = None
    """Give only labels that may follow the one before. By default with history previous."""
    attention_dropout: float | None = None
    """Dropout of the attention's weights; by default the encoder's own, or the warm start's. With 0
    training on long texts is much faster and takes less memory."""

    episodes: int | None = None
    """Texts to learn from, repeats counted; by default three times the training texts."""
    learning_rate: float | None = None
    """The encoder's highest learning rate. By default 1e-4, or 5e-5 for RL with a warm start."""
    head_lr_scale: float = 10.0
    """The heads' learning rate over the encoder's."""
    warmup: float = 0.1
    """The part of the run in which the learning rate rises; it then falls to 0."""
    weight_decay: float = 0.01
    """Of matrices."""
    max_grad_norm: float = 1.0
    """The gradient is cut to this norm."""
    batch_size: int = 16
    """Texts of an update."""
    rollout: int = 256
    """Texts between two writings of the log; PPO's rollout."""
    label_smoothing: float = 0.0
    """Supervised, and RL with --gold-coef: probability moved from the gold label to all labels."""
    class_weights: Literal["none", "balanced", "sqrt", "effective"] = "none"
    """Supervised: what a unit weighs by its gold label: all the same; labels all the same; the root
    of that; or by the effective number of a label's units."""
    class_beta: float = 0.999
    """Supervised: how much alike units of a label are, for --class-weights effective."""
    focal_gamma: float = 0.0
    """Supervised: how little a unit counts whose gold label is probable already (focal loss)."""
    n_epochs: int = 4
    """PPO: passes over a rollout."""
    clip_range: float = 0.2
    """PPO: how far a ratio may leave 1."""
    gae_lambda: float = 0.95
    """PPO: of generalised advantage estimation."""
    samples: int = 4
    """RL: labelings of each text, from one encoding of it."""
    baseline: Literal["none", "mean", "value", "greedy", "leave-one-out", "group"] = "leave-one-out"
    """PPO, REINFORCE, preference: what a return is compared with. PPO knows leave-one-out, group,
    and value (GAE)."""
    alpha: float = 0.005
    """Minimum risk: how sharp the probabilities of the sampled labelings are made."""
    include_gold: bool = False
    """Minimum risk: put the gold labelling into each sample."""
    gamma: float = 1.0
    """RL: the discount; 1 makes the return the score of the labelling."""
    ent_coef: float = 0.0
    """RL: weight of the entropy."""
    vf_coef: float = 0.5
    """PPO, REINFORCE, preference: weight of the value loss, with --baseline value."""
    kl_coef: float | None = None
    """RL: weight of the KL to the policy that the run began with. By default 0, and 0.2 for
    preference."""
    gold_coef: float = 0.0
    """RL: weight of the cross-entropy on gold labels beside the reward."""
    dropout: bool = False
    """PPO, REINFORCE, minimum risk, expected reward: keep dropout on while labels are drawn and
    learned from."""
    feedback_delay: int = 0
    """REINFORCE: texts that are labelled before the feedback on a labelling arrives."""
    comparisons: int = 4
    """Preference: pairs of labelings of each text that the judge is shown."""
    model_learning_rate: float = 3e-5
    """Preference: the learning rate of the reward model's encoder."""

    metric: str | None = None
    """The metric that decides on dev, and is shown of test too: one of the task's, or a reward
    ("corpus_f1(beta=2)", my_rewards.py:worth), whose mean over texts it then is, or its measure of
    the corpus. By default the task's own."""
    eval_every: int | None = None
    """Texts between measurements on dev; by default a tenth of the run."""
    patience: int | None = None
    """Stop after this many measurements without a better one."""
    keep_best: bool = True
    """Save the policy that was best on dev, not the last."""

    seed: int = 0
    """Of everything random."""
    device: str = "auto"
    """cpu, cuda, or auto."""
    threads: int | None = None
    """Threads of PyTorch on the CPU."""
    autocast: bool = False
    """Run the encoder in bfloat16."""
    progress: bool = False
    """Show a progress bar."""

    def run(self) -> None:
        """Train, and say what came of it."""
        from lingym.scripts.resume import to_its_end

        self.check()
        to_its_end(self)

    def check(self) -> None:
        """Refuse what makes no run, before a file is read.

        Raises:
            ValueError: an option is out of its range, or has no use beside the others.
        """
        from lingym.scripts.train_check import check_numbers, check_use

        check_numbers(self)
        check_use(self)
        self.tuning.check(self.agent, self.warm_start is not None)
        self.fusion.check(self.warm_start is not None)
        self.disk.check(self)
        self.augmenting.check(self.agent, self.task)
        self.little.check(self.agent, self.task, self.warm_start is not None)
        self.robust.check(self.agent, self.dropout, self.weight_decay)
        self.saving.check()
        self.guard.check()
        self.determinism.check()
