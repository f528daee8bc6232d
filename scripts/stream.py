"""`lingym stream`: a trained labeller labels texts as they come, and learns from feedback."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import tyro

from lingym.scripts.arguments import Reading


@dataclass(frozen=True)
class Stream:
    """Label texts as they come and learn from feedback; prints one JSON object a text."""

    run_folder: Annotated[Path, tyro.conf.Positional]
    """The run's folder; one that --out wrote goes on where it stopped."""
    data: str = "-"
    """Texts in the order in which they come: a file, or - for standard input."""
    feedback: str | None = None
    """What simulated users say of a labelling, who know the gold labels in --data, and the labeller
    does not: a reward such as bandit or entity_f1; see `lingym rewards`. By default the task's
    own."""
    feedback_file: Path | None = None
    """Real feedback instead: JSON lines such as {"id": 3, "score": 0.5} or {"id": 3, "scores": [1,
    0]}, one for each unit, in a file that grows or a named pipe. --data then needs no labels. The
    stream that goes on passes over lines about its earlier texts that had their feedback."""
    wait: float = 0.0
    """Seconds to wait for further lines of --feedback-file after the last text."""
    delay: int = 100
    """Simulated feedback on a text comes when so many more were labelled."""
    out: Path | None = None
    """Folder to save the labeller and all that it needs to go on; `lingym evaluate` and `predict`
    read it. Of a stream that goes on it may be the same, which is then replaced."""
    limit: int | None = None
    """Stop after so many texts."""
    every: int = 500
    """Texts between two lines on how it goes."""
    reading: Reading = field(default_factory=Reading)

    batch_size: int | None = None
    """Feedbacks to an update. Here and below, what is not given is as in the run that goes on, or
    by default: 16."""
    learning_rate: float | None = None
    """Of the encoder; the heads' is ten times as high. 2e-5 by default."""
    replay: float | None = None
    """The share of an update that is old texts, against forgetting. 0.5 by default."""
    memory: int | None = None
    """The most old texts kept, a uniform sample of all. 10000 by default."""
    weights: Literal["tapered", "truncated", "clipped"] | None = None
    """How old labels are weighed. tapered by default."""
    temperature: float | None = None
    """1 draws labels from the policy, less explores less, 0 gives the most probable ones and
    explores nothing. 1 by default."""
    baseline: Literal["mean", "value"] | None = None
    """What feedback is compared with: its running mean, or the value head's guess. mean by
    default."""
    gamma: float | None = None
    """1 (the default) credits a label with the feedback on all units from it on, 0 with its own
    unit's."""
    n_epochs: int | None = None
    """Passes over the texts of an update. 1 by default."""
    ent_coef: float | None = None
    """Weight of the entropy. 0 by default."""
    kl_coef: float | None = None
    """Weight of the KL to the policy that the stream began with. 0 by default."""
    seed: int | None = None
    """Of labels drawn and texts replayed. 0 by default."""

    device: str = "auto"
    """cpu, cuda, or auto."""
    threads: int | None = None
    """Threads of PyTorch on the CPU."""

    def run(self) -> None:
        """Label and learn until the texts end."""
        from lingym.scripts.streaming import stream

        stream(self)
