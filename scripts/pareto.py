"""`lingym pareto`: what is to be had of one measure for how much of another."""

from dataclasses import dataclass, field, fields

from lingym.scripts.train import Train


@dataclass(frozen=True, kw_only=True)
class Pareto(Train):
    """Train over a grid of weights between two rewards, and draw the front of two measures.

    One run for each weight and seed, with the options of `lingym train`; all go on from the same
    warm start. A run that is in the folder already is not done again.
    """

    reward_a: str
    """The reward whose weights are given, such as corpus_precision."""
    reward_b: str
    """The reward that gets 1 less the weight, such as corpus_recall."""
    weights: tuple[float, ...] = (0.0, 0.25, 0.5, 0.75, 1.0)
    """The weights of the first reward, 0 to 1."""
    seeds: tuple[int, ...] = (0,)
    """A run of each weight with each of these."""
    x: str | None = None
    """The dev metric from left to right; by default the one that the second reward stands for."""
    y: str | None = None
    """The dev metric from below to above; by default the one that the first reward stands for."""
    start_episodes: int = 0
    """Without --warm-start: texts of a supervised run that all others go on from; 0 makes none."""
    start_learning_rate: float = 1e-4
    """The encoder's highest learning rate in that run."""
    keep_best: bool = False
    """Measure the policy that was best on dev by --metric, not the last. One metric's best would
    draw the runs of all weights to one place."""
    reward: str | None = field(default=None, init=False)  # each run has its own
    seed: int = field(default=0, init=False)

    def check(self) -> None:
        """Refuse what is no grid.

        Raises:
            ValueError: weights or seeds that are none, twice there or out of range, an agent that
                uses no reward, or what `lingym train` refuses, too.
        """
        from lingym.scripts.train_check import check_numbers, check_use

        for name, values in (("weights", self.weights), ("seeds", self.seeds)):
            if not values or len(set(values)) < len(values):
                raise ValueError(f"{name} are {list(values)}: wanted one or more, each once")
        outside = [weight for weight in self.weights if not 0 <= weight <= 1]
        if outside:
            raise ValueError(f"weight {outside[0]} is not in 0 .. 1")
        if self.agent == "supervised":
            raise ValueError("supervised learning uses no reward: give another --agent")
        if self.start_episodes < 0 or (self.start_episodes and self.warm_start is not None):
            raise ValueError(
                f"start_episodes is {self.start_episodes}: wanted 0 or more, 0 with --warm-start"
            )
        check_numbers(self)
        check_use(self)

    def base(self) -> Train:
        """The options that are those of `lingym train`."""
        return Train(**{own.name: getattr(self, own.name) for own in fields(Train)})

    def run(self) -> None:
        """Train what is not there yet; print the table; write JSON, CSV and the picture."""
        from lingym.scripts.pareto_runs import sweep

        sweep(self)
