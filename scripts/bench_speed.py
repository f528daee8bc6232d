"""`lingym bench speed`: one policy on the same texts, trained by stepping and by whole episodes.

Importing this module is light; what needs torch is imported when the benchmark runs.
"""

import json as json_format
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

Clocks = Mapping[str, Callable[[], float]]
Seconds = dict[str, list[float]]

CORPUS = "synthetic:commands"


@dataclass(frozen=True)
class Speed:
    """Measure training, environments and rewards, side by side in one process.

    Every contestant has its turn in every round, so that noise hits all alike; a ratio is taken
    within a round, and the median over the rounds is what counts.
    """

    train: str | None = None
    """The file of texts to tag; the generated corpus synthetic:commands if none is given."""

    encoder: str = "minilm"
    """The policy's encoder: minilm, tiny, a folder, or a Hugging Face Hub name."""

    json: Path | None = None
    """Where to write the figures as JSON; its folder must be there."""

    rounds: int = 3
    """Rounds that count; one more comes first to warm up, and does not."""

    batch_size: int = 32
    """Texts of a minibatch, for every contestant; stock PPO's holds as many labels."""

    episodes: int = 8
    """Texts of a PPO rollout beside stock PPO; a multiple of batch_size / samples."""

    samples: int = 4
    """Labelings of each text in the rollout of both PPOs: ours share its encoding, stock PPO plays
    it so often. 1 compares them on texts that are labelled once."""

    texts: int = 256
    """Texts of a pass where stock PPO takes no part: supervised, REINFORCE, PPO's own cost."""

    rewards: bool = True
    """Also time every reward beside the training step that asks for it."""

    num_envs: int = 32
    """Episodes that stock PPO steps side by side, and so encodes at a time while it collects."""

    sentences: int = 1024
    """Episodes side by side in the environment, and sentences scored by the rewards."""

    autocast: bool = False
    """Run the encoder in bfloat16, for every contestant."""

    max_tokens: int = 256
    """Tokens to a window at the most; observations are as long as the corpus needs, if shorter."""

    seed: int = 0
    """Of the texts, the weights and the labels."""

    device: str = "auto"
    """Where the policy runs: auto takes a GPU where there is one."""

    threads: int | None = None
    """PyTorch's threads, its own choice if none is given; 1 is steadier beside other work."""

    def __post_init__(self) -> None:
        """Refuse sizes that make no comparison.

        Raises:
            ValueError: a size is no positive number, or the minibatches would differ in size.
        """
        sizes = ("rounds", "batch_size", "episodes", "samples", "texts", "num_envs", "sentences")
        for name in sizes:
            value = asdict(self)[name]
            if value < 1:
                raise ValueError(f"{name} must be at least 1, got {value}")
        if self.batch_size % self.samples or self.episodes % self.minibatch:
            raise ValueError(
                f"episodes={self.episodes} must be a multiple of batch_size / samples = "
                f"{self.batch_size} / {self.samples}, a whole number, so that both sides take as "
                "many optimiser steps on as many labels"
            )

    @property
    def minibatch(self) -> int:
        """Texts of a minibatch beside stock PPO: with their labelings, as many as batch_size."""
        return self.batch_size // self.samples


def run(arguments: Speed) -> dict[str, float]:
    """Measure, print a table, and write the JSON file if one is wanted.

    Returns:
        The figures; the table in `table` says what each is.
    """
    from lingym.scripts.bench_contest import computing_threads

    with computing_threads(arguments.threads):
        return _run(arguments)


def _run(arguments: Speed) -> dict[str, float]:
    from lingym.scripts.bench_contest import Contest
    from lingym.scripts.bench_rates import Rates
    from lingym.scripts.bench_report import facts, table
    from lingym.scripts.bench_rewards import Costs

    contest = Contest(arguments)
    rates = Rates(arguments, contest.dataset)
    known = facts(arguments, contest.device)
    print(contest.words(), flush=True)
    costs = Costs(arguments, contest.device) if arguments.rewards else None
    clocks = {**contest.clocks(), **rates.clocks()}
    seconds = measure({**clocks, **(costs.clocks() if costs else {})}, arguments.rounds)
    contest.check()
    figures = {**contest.figures(seconds), **rates.figures(seconds)}
    ratios = {**contest.ratios(seconds), **rates.ratios(seconds)}
    figures |= {name: statistics.median(values) for name, values in ratios.items()}
    print(table(figures, ratios, known))
    shares = costs.ratios(seconds) if costs else {}
    if costs:
        print(f"\n{costs.table(seconds)}")
    if arguments.json is not None:
        counts = contest.counts() | rates.counts()
        written = {**figures, **known, "counts": counts, "rounds": seconds, "ratios": ratios}
        written["rewards"] = {name: statistics.median(share) for name, share in shares.items()}
        arguments.json.write_text(json_format.dumps(written, indent=2) + "\n", "utf-8")
    return figures


def measure(clocks: Clocks, rounds: int) -> Seconds:
    """The seconds of every contestant in every round: A B C, A B C, ...; a first round is dropped.

    Args:
        clocks: what does the work of one round, and returns how long that took.
        rounds: rounds to keep.
    """
    seconds: Seconds = {name: [] for name in clocks}
    for turn in range(rounds + 1):
        for name, clock in clocks.items():
            taken = clock()
            if turn:
                seconds[name].append(taken)
    return seconds


def quotients(over: Sequence[float], under: Sequence[float]) -> list[float]:
    """Ratios round by round."""
    return [a / b for a, b in zip(over, under, strict=True)]
