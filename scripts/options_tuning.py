"""Options of `lingym train` about which part of the encoder is trained."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class EncoderTuning:
    """What of the encoder is trained; heads always are."""

    tune: str | None = None
    """full, frozen, top:N (the last N layers), bitfit, lora, adapter, prompt, ia3. By default full,
    or the warm start's. lora, prompt and ia3 need pip install 'lingym[peft]'."""
    lora_rank: int | None = None
    """lora: the rank of the difference; 8 by default."""
    lora_alpha: float | None = None
    """lora: over the rank, how much the difference counts; 16 by default."""
    adapter_width: int | None = None
    """adapter: its inner features; 64 by default."""
    prompt_tokens: int | None = None
    """prompt: the virtual tokens; 20 by default."""
    base: str | None = None
    """Where the model lies that a part-trained warm start stands on, if it has moved."""

    def check(self, agent: str, warm: bool = False) -> None:
        """Refuse what makes no method, before files are read.

        Args:
            agent: how the policy learns; every agent trains every method.
            warm: whether the run has a warm start, whose method it may keep.

        Raises:
            ValueError: there is no such method, or a size is not of the method or out of range.
        """
        from lingym.policies.encoder_tuning import Tuning

        if self.base is not None and not warm:
            raise ValueError("--base says where a warm start's base is: give --warm-start")
        if self.tune is not None or not warm:
            Tuning.of(self.tune, **self._sizes())

    def arguments(self) -> dict[str, Any]:
        """The arguments of `lingym.policies.LabelPolicy`: those that were given."""
        given = {"tune": self.tune, "base": self.base, **self._sizes()}
        return {name: value for name, value in given.items() if value is not None}

    def _sizes(self) -> dict[str, Any]:
        names = ("lora_rank", "lora_alpha", "adapter_width", "prompt_tokens")
        return {name: getattr(self, name) for name in names}
