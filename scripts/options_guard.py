"""Options of `lingym train` for runs that go wrong: numbers that are none, and collapse."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable

    from lingym.agents import Alarms
    from lingym.agents import Guard as AgentGuard


@dataclass(frozen=True)
class Guard:
    """What happens to numbers that are not finite, and what is said of a collapse."""

    on_nonfinite: Literal["stop", "skip"] = "stop"
    """A loss, gradient, reward or advantage that is NaN or infinite: stop, or leave the step out
    and count it. The texts are in nonfinite.json."""
    most_skipped: int = 100
    """--on-nonfinite skip: the steps that may be left out; the next one stops the run."""
    stop_on_alarm: bool = False
    """End the run at an alarm (entropy gone, one label everywhere, KL, samples that all earn the
    same, the reward up while dev falls); they are said in any case, where there is a dev split."""
    alarm_kl: float | None = None
    """KL to the start that raises an alarm, nats a unit; by default 1 for RL with a warm start, and
    else none."""

    def check(self) -> None:
        """Refuse numbers that make no sense, before files are read.

        Raises:
            ValueError: a number is out of its range, or an option has no use.
        """
        if self.most_skipped < 0:
            raise ValueError(f"--most-skipped must be 0 or more, got {self.most_skipped}")
        if self.on_nonfinite == "stop" and self.most_skipped != Guard.most_skipped:
            raise ValueError("--most-skipped is for --on-nonfinite skip")
        if self.alarm_kl is not None and not 0 < self.alarm_kl < float("inf"):
            raise ValueError(f"--alarm-kl must be above 0, got {self.alarm_kl}")

    def guard(self, folder: Path, say: "Callable[[str], None]") -> "AgentGuard":
        """The agent's guard, which writes into a run's folder."""
        from lingym.agents import Guard as AgentGuard

        return AgentGuard(self.on_nonfinite, self.most_skipped, folder, say)

    def alarms(self, goes_on: bool, say: "Callable[[str], None]") -> "Alarms":
        """The alarms of a run.

        Args:
            goes_on: whether RL begins from a policy that labels already.
            say: tells the person who watches.
        """
        from lingym.agents import Alarms

        bound = self.alarm_kl
        return Alarms(1.0 if bound is None and goes_on else bound, self.stop_on_alarm, say)
