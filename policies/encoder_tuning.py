"""What is trained of an encoder, in words: the method and its size."""

from dataclasses import dataclass, fields
from typing import Any

SIZES = {
    "lora": ("lora_rank", "lora_alpha"),
    "adapter": ("adapter_width",),
    "prompt": ("prompt_tokens",),
}
"""The sizes that a method has."""

ADDED = ("lora", "adapter", "prompt", "ia3")
"""Methods that leave every weight of the encoder as it is and train what they add."""

METHODS = ("full", "frozen", "top:N", "bitfit", *ADDED)
"""All methods, as they are written."""


@dataclass(frozen=True)
class Tuning:
    """What is trained of an encoder; heads always are.

    Attributes:
        method: ``full`` (all weights), ``frozen`` (none), ``top`` (the last layers), ``bitfit``
            (the biases), or one of `ADDED`.
        layers: of ``top``.
        lora_rank: r, of the matrices that LoRA adds: W + alpha / r B A.
        lora_alpha: how much they count.
        adapter_width: features between the two layers of an adapter.
        prompt_tokens: virtual tokens before every window.
    """

    method: str = "full"
    layers: int = 0
    lora_rank: int = 8
    lora_alpha: float = 16.0
    adapter_width: int = 64
    prompt_tokens: int = 20

    @classmethod
    def of(cls, tune: str | None, kept: "Tuning | None" = None, **sizes: float | None) -> "Tuning":
        """The tuning that is asked for.

        Args:
            tune: one of `METHODS`; None: what was kept, or full.
            kept: of what training goes on from; its sizes hold for the same method.
            sizes: by name; None: as kept, or the default.

        Raises:
            ValueError: there is no such method, or a size is not of the method or out of range.
        """
        before = kept or cls()
        tune = before.tune if tune is None else tune
        method, colon, count = tune.partition(":")
        if f"{method}{':N' if colon else ''}" not in METHODS:
            raise ValueError(f"tune must be one of {', '.join(METHODS)}, got {tune!r}")
        layers = int(count) if count.isascii() and count.isdecimal() else 0
        if colon and not layers:
            raise ValueError(f"tune must be top:N, N layers and at least 1, got {tune!r}")
        given: dict[str, Any] = {name: size for name, size in sizes.items() if size is not None}
        own = SIZES.get(method, ())
        for name, size in given.items():
            if name not in own:
                of = next(other for other, names in SIZES.items() if name in names)
                raise ValueError(f"{name} is for tune {of}, not {tune}: leave out one")
            whole = name == "lora_alpha" or size == int(size)
            if not (whole and 0 < size < float("inf")):
                wanted = "a number above 0" if name == "lora_alpha" else "a whole number from 1 on"
                raise ValueError(f"{name} must be {wanted}, got {size}")
        if before.method == method:
            given = {name: getattr(before, name) for name in own} | given
        return cls(method, layers, **given)

    @property
    def tune(self) -> str:
        """The method as it is written."""
        return f"{self.method}:{self.layers}" if self.method == "top" else self.method

    @property
    def added(self) -> bool:
        """Whether what is trained can be switched off, and the encoder is as it was."""
        return self.method in ADDED

    @property
    def virtual(self) -> int:
        """Tokens that stand before those of a window."""
        return self.prompt_tokens if self.method == "prompt" else 0

    def sizes(self) -> dict[str, Any]:
        """The sizes of the method, by name."""
        return {name: getattr(self, name) for name in SIZES.get(self.method, ())}


SIZE_NAMES = tuple(field.name for field in fields(Tuning))[2:]
"""The names of all sizes."""
