"""`lingym tune`: the options of `lingym train` that are best on the user's own dev texts."""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Literal

from lingym.scripts.train import Train


@dataclass(frozen=True, kw_only=True)
class Tune(Train):
    """Search the options of `lingym train` with Optuna, by the dev metric.

    Trains a labeller for each trial, and never scores test but with --finish. The same command
    again goes on with a search that was broken off. To tune a few parameters of a labeller that is
    trained already (biases, thresholds), see `lingym tune-parameters`.
    """

    out: Path
    """Folder of the search; it may hold others, which share their warm starts with it."""
    trials: int = 20
    """Trials in all, those that were done before counted."""
    timeout: float | None = None
    """Begin no trial after so many seconds."""
    space: Path | None = None
    """YAML file of what is searched; by default what matters to the agent, less what is given
    here."""
    study: str | None = None
    """Name of the search; by default the agent's."""
    sampler: Literal["tpe", "random", "grid"] = "tpe"
    """How settings are proposed: by what the trials before scored (TPE), at random, or every one of
    a grid."""
    pruner: Literal["median", "hyperband", "none"] = "median"
    """When a trial is stopped early: below the median of the whole trials at that point, by
    successive halving, or never."""
    prune_after: int = 5
    """Median: whole trials before one is stopped early."""
    seeds_per_trial: int = 1
    """Runs of a trial: with --seed, the next, and so on. Their mean decides."""
    warm_passes: tuple[int, ...] = ()
    """Texts of a supervised run that the trials go on from, 0 for none; of several lengths the
    search chooses. A warm start is trained once and shared by all that need it."""
    warm_learning_rate: float = 1e-4
    """The encoder's highest learning rate in that run."""
    keep_models: bool = False
    """Keep the model of every trial; by default only the best trial's."""
    finish: int = 0
    """After the search train the best settings with so many seeds that it did not use, and score
    test, once."""

    @property
    def name(self) -> str:
        """What the search is called."""
        return self.study or self.agent

    @property
    def folder(self) -> Path:
        """Where the search keeps what is its own."""
        return self.out / self.name

    @property
    def seeds(self) -> range:
        """The seeds of each trial."""
        return range(self.seed, self.seed + self.seeds_per_trial)

    def base(self) -> Train:
        """The options that are those of `lingym train`."""
        return Train(**{own.name: getattr(self, own.name) for own in fields(Train)})

    def check(self) -> None:
        """Refuse what is no search.

        Raises:
            ValueError: numbers out of range, or what `lingym train` refuses, too.
        """
        from lingym.scripts.train_check import check_numbers, check_use

        for name in ("trials", "prune_after", "seeds_per_trial"):
            if getattr(self, name) < 1:
                raise ValueError(
                    f"--{name.replace('_', '-')} must be 1 or more, got {getattr(self, name)}"
                )
        if self.timeout is not None and not self.timeout > 0:
            raise ValueError(f"--timeout must be above 0, got {self.timeout}")
        if self.finish < 0:
            raise ValueError(f"--finish must be 0 or more, got {self.finish}")
        if not 0 < self.warm_learning_rate < float("inf"):
            raise ValueError(f"--warm-learning-rate must be above 0, got {self.warm_learning_rate}")
        lengths = self.warm_passes
        if min(lengths, default=0) < 0 or len(set(lengths)) < len(lengths):
            raise ValueError(f"--warm-passes are {list(lengths)}: wanted 0 or more, each once")
        if not self.name.replace("-", "").replace("_", "").isalnum():
            raise ValueError(
                f"--study is {self.name!r}: wanted letters, digits, - and _, for it names a folder"
            )
        if self.name == "warm":
            raise ValueError("--study is 'warm', the folder of the warm starts: give another name")
        check_numbers(self)
        check_use(self)
        self.augmenting.check(self.agent, self.task)
        self.little.check(self.agent, self.task, self.warm_start is not None)

    def run(self) -> None:
        """Search; print each trial and the best command; write what came of it."""
        try:
            import optuna  # noqa: F401
        except ModuleNotFoundError as error:
            raise ValueError(
                'lingym tune needs the library optuna: pip install "lingym[tune]"'
            ) from error
        from lingym.scripts.tuning_search import search

        self.check()
        search(self)
