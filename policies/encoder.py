"""The transformer encoder of a policy: pretrained, or small and random."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from torch import nn
from transformers import AutoConfig, AutoModel, BertConfig, BertModel, PretrainedConfig
from transformers.utils import logging
from transformers.utils.peft_utils import find_adapter_config_file

from lingym.hub import TINY, encoder_path
from lingym.policies.trusted import ADAPTER, check_encoder, finite
from lingym.trusted import check_folder, read_json
from lingym.trusted_config import check_config

ATTENTION_DROPOUT = ("attention_probs_dropout_prob", "attention_dropout")
"""What families of encoders call it."""


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


def load_encoder(
    name: str,
    vocab_size: int,
    tokens: int,
    pooler: bool,
    attention_dropout: float | None = None,
) -> nn.Module:
    """An encoder that takes the tokens of an environment.

    Args:
        name: ``tiny`` (random weights), ``minilm``, a folder, or a Hugging Face Hub name.
        vocab_size: token ids of the environment are below this.
        tokens: the longest window of the environment.
        pooler: keep the encoder's pooling layer, which gives a text's feature.
        attention_dropout: of the attention's weights while it trains, in [0, 1); None: what the
            encoder's own configuration says.

    Raises:
        ValueError: the encoder has fewer tokens or positions than the environment needs, its files
            lack weights, hold NaN or what is not to be trusted (docs/security.md), or it knows no
            dropout of attention.
    """
    if attention_dropout is not None and not 0 <= attention_dropout < 1:
        raise ValueError(f"attention_dropout must be in [0, 1), got {attention_dropout}")
    if name == TINY:
        config = _with_dropout(tiny_config(vocab_size), name, attention_dropout)
        encoder: Any = BertModel(config, add_pooling_layer=pooler)
    else:
        encoder = _pretrained(name, attention_dropout)
        if not pooler and getattr(encoder, "pooler", None) is not None:
            encoder.pooler = None  # unused weights would be trained, saved and decayed for nothing
            encoder.fresh = ()
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


def _with_dropout(config: Any, name: str, attention_dropout: float | None) -> Any:
    """The same configuration with this dropout of attention, whatever its family calls it."""
    if attention_dropout is None:
        return config
    known = [key for key in ATTENTION_DROPOUT if hasattr(config, key)]
    if not known:
        raise ValueError(
            f"encoder {name!r} ({config.model_type}) has no dropout of attention alone, of those "
            f"known ({', '.join(ATTENTION_DROPOUT)}): leave out attention_dropout"
        )
    setattr(config, known[0], attention_dropout)
    return config


def attention_dropout_of(folder: Path) -> float | None:
    """The dropout of attention that the configuration in a folder says; None where it says none."""
    check_folder(folder)
    check_config(read_json(folder / "config.json"), folder / "config.json")
    config = AutoConfig.from_pretrained(folder, trust_remote_code=False)
    return next((getattr(config, key) for key in ATTENTION_DROPOUT if hasattr(config, key)), None)


def _pretrained(name: str, attention_dropout: float | None) -> Any:
    """Pretrained weights in float32; only a pooling layer may be missing, which is then random."""
    path = encoder_path(name)
    local = Path(path).is_dir()
    if local:
        check_encoder(Path(path))
    with quiet():
        if not local:
            _check_hub(path)
        config = AutoConfig.from_pretrained(path, trust_remote_code=False)
        config = _with_dropout(config, name, attention_dropout)
        try:
            encoder, report = AutoModel.from_pretrained(
                path,
                config=config,
                dtype=torch.float32,
                output_loading_info=True,
                use_safetensors=True,
                trust_remote_code=False,
                local_files_only=local,
            )
        except (RuntimeError, SafetensorError) as error:
            raise ValueError(f"encoder {name!r} cannot be read: {str(error)[:500]}") from None
    missing = sorted(weight for weight in report["missing_keys"] if "pooler" not in weight)
    if missing:
        raise ValueError(
            f"encoder {name!r} lacks {len(missing)} of its weights, {missing[0]} among them: its "
            "files are torn, or another model's"
        )
    finite(encoder.state_dict(), f"encoder {name!r}")
    encoder.fresh = tuple(sorted(report["missing_keys"]))
    return encoder


def _check_hub(name: str) -> None:
    """Refuse a model of the Hub that names code, or other models."""
    config, _ = PretrainedConfig.get_config_dict(name)
    check_config(config, name)
    if find_adapter_config_file(name) is not None:
        raise ValueError(f"{name} {ADAPTER}")


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
