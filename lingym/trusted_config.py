"""What a ``config.json`` of a Hugging Face model must not say."""

import re
from pathlib import Path
from typing import Any

CODE = ("auto_map", "custom_pipeline", "custom_pipelines", "trust_remote_code")
"""What names code that lies in the folder, or elsewhere."""
ELSEWHERE = ("transformers_weights", "quantization_config", "compression_config")
"""What names other files, or libraries that weights are handed to."""
FETCHED = re.compile(r"timm_.*")
"""Families whose network is that of another library, which fetches what is named."""
KERNELS = re.compile(r"_*(attn|experts)_implementation(_internal)?")
OWN_KERNELS = (None, "eager", "sdpa", "flex_attention", "grouped_mm")
"""Ways to compute that are transformers' own: any other name is code of the Hub."""
LAYERS = re.compile(r".*(layers?|blocks|depths?|groups|experts|heads)$")
MOST_LABELS = 1_000_000
MOST_OF_A_KIND = 256


def check_config(config: Any, file: Path | str, tensors: int = MOST_OF_A_KIND) -> None:
    """Refuse what a configuration must not say.

    Args:
        config: what the file holds.
        file: for the message.
        tensors: of the weights file: there cannot be more layers.

    Raises:
        ValueError: it names code, another file, or a number that no encoder has.
    """
    if not isinstance(config, dict):
        raise ValueError(f"{file} holds no configuration, which is a JSON object")
    waiting: list[tuple[str, Any]] = list(config.items())
    while waiting:
        name, value = waiting.pop()
        if name in CODE and value:
            raise ValueError(
                f"{file} names code ({name}): a model is data, and no code of it is run. Take a "
                "model of a family that transformers itself has"
            )
        named = name == "backbone" and isinstance(value, str)
        if (name in ELSEWHERE or named) and value:
            raise ValueError(f"{file} has {name}, which is not read: an encoder is its own weights")
        if name == "model_type" and isinstance(value, str) and FETCHED.fullmatch(value):
            raise ValueError(
                f"{file} is of the family {value}, which is not read: it is no encoder"
            )
        kernel = KERNELS.fullmatch(name) and not isinstance(value, dict)
        if kernel and value not in OWN_KERNELS:
            raise ValueError(f"{file} names code ({name}: {value!r}), and no code of it is run")
        if isinstance(value, dict):
            waiting += value.items()
        elif isinstance(value, list):
            waiting += [(name, each) for each in value]
        elif type(value) is int:
            most = 2**31
            if LAYERS.fullmatch(name):
                most = max(tensors, MOST_OF_A_KIND)
            elif name == "num_labels":
                most = MOST_LABELS
            if abs(value) > most:
                raise ValueError(
                    f"{file} has {name} {str(value)[:40]}: at most {most:,} can be, for the "
                    f"{tensors} weights that are there"
                )
