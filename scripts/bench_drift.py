"""`lingym bench drift`: a stream that moves from one domain to another, with and without replay."""

from dataclasses import dataclass, field
from pathlib import Path

from lingym.scripts.arguments import Reading, TaskName

LEAST = {
    **dict.fromkeys(("start", "every", "seeds", "batch_size", "test_limit", "threads"), 1),
    **dict.fromkeys(("start_epochs", "stream_b", "max_tokens"), 1),
    **dict.fromkeys(("stream_a", "delay"), 0),
}


@dataclass(frozen=True)
class Drift:
    """Measure what a labeller that learns online forgets of a first domain in a second.

    A labeller is trained on the first texts of A, and then serves the rest of A, and B, learning
    from feedback. It is measured on test texts of both as it goes: without replay, and with.
    """

    a: str
    """Labelled texts of the first domain."""
    b: str
    """Those of the second."""
    test_a: str
    """Texts of the first domain to measure on."""
    test_b: str
    """Those of the second."""
    out: Path
    """Folder for drift.json and drift.png."""
    task: TaskName = "classification"
    """What the units and the labels are."""
    labels_kept: str | None = None
    """Only texts all of whose labels are among these, such as negative,positive; by default all."""
    labels_b: str | None = None
    """In the stream, only texts of B all of whose labels are among these: a stretch of one label,
    say, which makes a labeller forget most. The tests are as they are."""
    shuffle: bool = True
    """Shuffle each file, as some are sorted by label, and each domain of the stream by the seed."""
    reading: Reading = field(default_factory=Reading)
    encoder: str = "minilm"
    """minilm, tiny, a folder, or a Hugging Face Hub name."""
    max_tokens: int = 128
    """Tokens to a window."""
    start: int = 1000
    """Texts of A that the labeller is trained on beforehand, with their gold labels."""
    start_epochs: int = 2
    """Passes over them."""
    start_rate: float = 1e-4
    """The encoder's learning rate then."""
    stream_a: int = 500
    """Texts of A in the stream."""
    stream_b: int = 1500
    """Texts of B in the stream."""
    test_limit: int | None = 300
    """Measure on the first so many texts of each test file."""
    feedback: str = "bandit"
    """What users say of a labelling."""
    delay: int = 32
    """Feedback on a text comes when so many more were labelled."""
    batch_size: int = 16
    """Feedbacks to an update."""
    learning_rate: float = 2e-5
    """Of the encoder, in the stream."""
    replays: tuple[float, ...] = (0.0, 0.5)
    """Shares of old texts in an update, each a run."""
    every: int = 250
    """Texts of the stream between two measurements."""
    seeds: int = 3
    """Runs of each kind: seeds 0, 1, ..."""
    device: str = "auto"
    """cpu, cuda, or auto."""
    threads: int | None = None
    """Threads of PyTorch on the CPU."""

    def check(self) -> None:
        """Refuse numbers that make no comparison.

        Raises:
            ValueError: a number is out of its range, or a share of replay stands there twice.
        """
        for name, least in LEAST.items():
            value = getattr(self, name)
            if value is not None and value < least:
                written = name.replace("_", "-")
                raise ValueError(f"--{written} must be {least} or more, got {value}")
        wrong = [share for share in self.replays if not 0 <= share < 1]
        if wrong or not self.replays or len(set(self.replays)) < len(self.replays):
            raise ValueError(
                f"--replays are {list(self.replays)}: wanted one or more in [0, 1), each once"
            )

    def run(self) -> None:
        """Measure; write the figures and the picture, and print the table."""
        from lingym.scripts.drift import measure

        self.check()
        measure(self)
