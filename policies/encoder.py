"""The transformer encoder of a policy: pretrained, or small and random."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from transformers import AutoModel, BertConfig, BertModel
from transformers.utils import logging

from lingym.hub import TINY, encoder_path


def tiny_config(vocab_size: int) -> BertConfig:
    """Two layers, 64 wide: what learns in seconds on any machine."""
    return BertConfig(
        vocab_size=vocab_size,
        hidden_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=128,
        max_position_embeddings=512,
    )


def load_encoder(name: str, vocab_size: int, tokens: int, pooler: bool) -> nn.Module:
    """An encoder that takes the tokens of an environment.

    Args:
        name: ``tiny`` (random weights), ``minilm``, a folder, or a Hugging Face Hub name.
        vocab_size: token ids of the environment are below this.
        tokens: the longest window of the environment.
        pooler: keep the encoder's pooling layer, which gives a text's feature.

    Raises:
        ValueError: the encoder has fewer tokens or positions than the environment needs, or its
            files lack weights.
    """
    if name == TINY:
        encoder: Any = BertModel(tiny_config(vocab_size), add_pooling_layer=pooler)
    else:
        encoder = _pretrained(name)
        if not pooler and getattr(encoder, "pooler", None) is not None:
            encoder.pooler = None  # unused weights would be trained, saved and decayed for nothing
    config = encoder.config
    if config.vocab_size < vocab_size:
        raise ValueError(
            f"encoder {name!r} knows {config.vocab_size} tokens and the environment has "
            f"{vocab_size}: give the environment the encoder's tokenizer (tokenizer={name!r})"
        )
    positions = max_positions(config)
    if positions is not None and tokens > positions:
        raise ValueError(
            f"encoder {name!r} takes {positions} tokens and the environment's windows have "
            f"{tokens}: give the environment max_tokens={positions}"
        )
    return encoder


def _pretrained(name: str) -> Any:
    """Pretrained weights in float32; only a pooling layer may be missing, which is then random."""
    with quiet():
        encoder, report = AutoModel.from_pretrained(
            encoder_path(name), dtype=torch.float32, output_loading_info=True
        )
    missing = sorted(weight for weight in report["missing_keys"] if "pooler" not in weight)
    if missing:
        raise ValueError(
            f"encoder {name!r} lacks {len(missing)} of its weights, {missing[0]} among them: its "
            "files are torn, or another model's"
        )
    return encoder


@contextmanager
def quiet() -> Iterator[None]:
    """Load or save without transformers' progress bars and reports, then as they were set."""
    bars, level = logging.is_progress_bar_enabled(), logging.get_verbosity()
    logging.disable_progress_bar()
    logging.set_verbosity_error()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()


def max_positions(config: Any) -> int | None:
    """The tokens that an encoder takes at most; None where its positions are relative."""
    positions: int | None = getattr(config, "max_position_embeddings", None)
    if positions is not None and config.model_type in {"roberta", "xlm-roberta", "camembert"}:
        return positions - config.pad_token_id - 1  # their positions begin after the padding id
    return positions
