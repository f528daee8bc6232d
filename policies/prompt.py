"""Prompt tuning: learned virtual tokens before every text of a frozen encoder.

Sizes: N windows, L tokens to a window, P virtual tokens, D features.
"""

from typing import Any

import torch
from torch import Tensor, nn

from lingym.policies.needs import peft


class Prompt(nn.Module):
    """P learned embeddings [P, D] before the embeddings of a window's own tokens.

    Prompt tuning (Lester et al., 2021, https://arxiv.org/abs/2104.08691), with the embeddings of
    `peft`; they begin as those of tokens drawn from the vocabulary. What comes out are the features
    of the window's own tokens alone, and the pooled output is made from the first of those: nobody
    outside sees the virtual ones.

    Args:
        words: the encoder's token embeddings.
        count: P.
        features: D.

    Raises:
        ImportError: `peft` is not installed.
    """

    def __init__(self, words: nn.Embedding, count: int, features: int) -> None:
        super().__init__()
        library = peft("prompt")
        config = library.PromptTuningConfig(
            num_virtual_tokens=count,
            token_dim=features,
            num_transformer_submodules=1,
            task_type="FEATURE_EXTRACTION",
        )
        self.tokens = library.PromptEmbedding(config, words)
        drawn = torch.randint(words.num_embeddings, (count,))
        with torch.no_grad():
            self.tokens.embedding.weight.copy_(words.weight[drawn])
        self.count, self.off = count, False

    def before(self, encoder: Any, args: Any, kwargs: dict[str, Any]) -> Any:
        """The encoder's hook before it runs: embeddings and a longer mask in place of token ids."""
        if self.off:
            return None
        if args or kwargs.get("input_ids") is None:
            raise ValueError("with tune='prompt' an encoder takes input_ids= and attention_mask=")
        ids: Tensor = kwargs["input_ids"]
        given = kwargs.get("attention_mask")
        mask = torch.ones_like(ids) if given is None else given  # [N, L]
        places = torch.arange(self.count, device=ids.device)
        virtual = self.tokens(places).expand(len(ids), -1, -1)
        own = encoder.get_input_embeddings()(ids)
        rest = {k: v for k, v in kwargs.items() if k not in ("input_ids", "attention_mask")}
        return args, {
            "inputs_embeds": torch.cat([virtual.to(own.dtype), own], 1),  # [N, P + L, D]
            "attention_mask": torch.cat([mask.new_ones(len(ids), self.count), mask], 1),
            **rest,
        }

    def after(self, encoder: Any, args: Any, out: Any) -> Any:
        """The encoder's hook after it ran: features of the window's own tokens alone."""
        if self.off:
            return None
        out.last_hidden_state = out.last_hidden_state[:, self.count :]
        if getattr(encoder, "pooler", None) is not None:
            out.pooler_output = encoder.pooler(out.last_hidden_state)
        return out


def add_prompt(encoder: Any, count: int) -> None:
    """Put virtual tokens before every window that an encoder reads, as its ``prompt``."""
    words = encoder.get_input_embeddings()
    prompt = Prompt(words, count, words.embedding_dim)
    encoder.prompt = prompt.to(words.weight.device)
    encoder.register_forward_pre_hook(prompt.before, with_kwargs=True)
    encoder.register_forward_hook(prompt.after)
