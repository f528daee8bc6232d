"""`lingym demo`: supervised learning and PPO on generated text, side by side on test."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Demo:
    """Train supervised, then go on with PPO and with supervised learning, and compare on test."""

    out: Path = Path("runs/demo")
    """Folder of the three runs and the picture; an older demo there is replaced."""
    corpus: str = "synthetic:commands"
    """A corpus with its own splits."""
    encoder: str = "minilm"
    """minilm, tiny, a folder, or a Hugging Face Hub name."""
    reward: str = "entity_f1(dense=True)"
    """What PPO is rewarded for."""
    supervised_episodes: int = 2400
    """Texts of the supervised run that both begin with."""
    further_episodes: int = 1440
    """Texts that PPO goes on with, for two epochs; the supervised control has each twice too."""
    learning_rate: float = 2e-4
    """Of the supervised run; its control goes on with a quarter of it, PPO with a tenth."""
    seed: int = 0
    """Of everything random."""

    def run(self) -> None:
        """Train, print the table, draw the picture."""
        from lingym.scripts.demonstration import demonstrate

        demonstrate(self)
