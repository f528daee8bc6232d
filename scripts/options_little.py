"""Options of `lingym train` for little data: few texts a label, prompts, heads that know names."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

HeadInit = Literal["random", "names", "prototypes"]

PROMPTED = ("classification", "relation")
"""The tasks whose one unit is a whole text, around which a pattern can stand."""


@dataclass(frozen=True)
class LittleData:
    """What helps where labels are few."""

    few_shot: int | None = None
    """Learn from so many texts a label only, drawn by --few-shot-seed from what the limits leave
    (tags: so many texts with each type of span; answers, choices and summaries: so many texts)."""
    few_shot_seed: int | None = None
    """Of the draw; by default --limit-seed, or --seed. A smaller draw is part of a larger one."""
    pattern: str | None = None
    """classification, relation: words around the text with a blank for the encoder to fill in, such
    as "{text} It was {mask}."; also {head} and {tail} (relation), and {COLUMN} of the data."""
    verbaliser: str | None = None
    """With --pattern: the words that mean a label, "positive=great,good negative=bad", or a .toml
    or .json file of them. The head is then the encoder's own masked-language head."""
    zero_shot: bool = False
    """Save and measure the policy as it begins, without training; needs no --train."""
    head_init: HeadInit = "random"
    """What the head knows before training: nothing, the label names as the encoder reads them, or
    the mean feature of each label's training units."""
    label_names: Path | None = None
    """With --head-init names: lines of a label, a tab, and words that describe it."""

    def check(self, agent: str, task: str, told: bool) -> None:
        """Refuse what means nothing together, before a file is read.

        Args:
            agent: that learns.
            task: what it labels.
            told: whether a warm start brings a trained policy.

        Raises:
            ValueError: an option is out of its range, or lacks another.
        """
        if self.few_shot is not None and self.few_shot < 1:
            raise ValueError(f"--few-shot must be 1 or more, got {self.few_shot}")
        if self.few_shot_seed is not None:
            if self.few_shot is None:
                raise ValueError("--few-shot-seed means something with --few-shot only")
            if self.few_shot_seed < 0:
                raise ValueError(f"--few-shot-seed must be 0 or more, got {self.few_shot_seed}")
        if self.pattern is not None and task not in PROMPTED:
            raise ValueError(f"--pattern is for --task {' and '.join(PROMPTED)}, not {task}")
        if (self.pattern is None) != (self.verbaliser is None) and not told:
            lone, other = ("pattern", "verbaliser") if self.pattern else ("verbaliser", "pattern")
            raise ValueError(f"--{lone} needs --{other} beside it")
        if told and (self.pattern is not None or self.verbaliser is not None):
            raise ValueError("--warm-start brings its own pattern and verbaliser: leave them out")
        if self.head_init != "random":
            if self.verbaliser is not None:
                raise ValueError(f"--head-init {self.head_init}: a verbaliser is a head already")
            if told:
                raise ValueError(f"--head-init {self.head_init}: a warm start brings its own head")
        if self.label_names is not None and self.head_init != "names":
            raise ValueError("--label-names means something with --head-init names only")
        if self.zero_shot and not (told or self.verbaliser or self.head_init != "random"):
            raise ValueError(
                "--zero-shot measures a policy that is not trained: give it something to know "
                "(--pattern and --verbaliser, --head-init names, or --warm-start)"
            )

    def arguments(self) -> dict[str, str]:
        """The arguments of the task's class."""
        return {} if self.pattern is None else {"pattern": self.pattern}
