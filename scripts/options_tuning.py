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
    feature_cache: str | None = None
    """frozen: the folder where features are kept, so that a text is encoded once and not in every
    pass; or off. By default lingym/features in the user's cache, or $LINGYM_CACHE/features."""

    def check(self, agent: str, warm: bool = False) -> None:
        """Refuse what makes no method, before files are read.

        Args:
            agent: how the policy learns; every agent trains every method.
            warm: whether the run has a warm start, whose method it may keep.

        Raises:
            ValueError: there is no such method, a size is not of the method or out of range, or
                features are to be kept of an encoder that is trained.
        """
        from lingym.policies.encoder_tuning import Tuning

        if self.base is not None and not warm:
            raise ValueError("--base says where a warm start's base is: give --warm-start")
        kept = self.feature_cache not in (None, "off")
        if kept and self.tune != "frozen" and (self.tune is not None or not warm):
            raise ValueError(
                f"--feature-cache is for --tune frozen, not {self.tune or 'full'}: what an encoder "
                "that is trained says of a text changes"
            )
        if self.tune is not None or not warm:
            Tuning.of(self.tune, **self._sizes())

    def arguments(self) -> dict[str, Any]:
        """The arguments of `lingym.policies.LabelPolicy`: those that were given."""
        from lingym.policies.feature_cache import default_folder

        folder = default_folder() if self.feature_cache is None else self.feature_cache
        kept = None if self.feature_cache == "off" or self.tune not in (None, "frozen") else folder
        given = {"tune": self.tune, "base": self.base, "feature_cache": kept, **self._sizes()}
        return {name: value for name, value in given.items() if value is not None}

    def _sizes(self) -> dict[str, Any]:
        names = ("lora_rank", "lora_alpha", "adapter_width", "prompt_tokens")
        return {name: getattr(self, name) for name in names}
