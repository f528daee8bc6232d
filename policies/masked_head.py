"""The masked-language head of a pretrained encoder as a label head: a label is a word in a blank.

Sizes: K labels, W words of all labels, D features.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AutoModelForMaskedLM
from transformers.modeling_outputs import BaseModelOutput

from lingym.hub import encoder_path
from lingym.policies.encoder import quiet

Verbaliser = Sequence[Sequence[int]]
"""The token ids of each label's words."""


class MaskedHead(nn.Module):
    """Label scores from an encoder's feature of a blank, by the head that it was pretrained with.

        score_k = 1/|V_k| sum_{v in V_k} m_v(f)

    with m_v the head's logit of token v and V_k the tokens of label k: pattern-exploiting training,
    Schick and Schütze (2021, https://arxiv.org/abs/2001.07676), with the mean over several words of
    Schick, Schmid and Schütze (2020, https://aclanthology.org/2020.coling-main.488). The softmax is
    over labels, not over the vocabulary.

    The words' rows of the output layer are a copy: the encoder's input embeddings, to which they
    are tied in pretraining, train on by themselves. All other words are left out, so the head costs
    no product with the whole vocabulary.

    Args:
        model: a masked-language model; its encoder is taken out of it.
        verbaliser: the token ids of each label's words.

    Raises:
        ValueError: the model's head is of a form that cannot be taken out.
    """

    pretrained = True  # it learns at the encoder's rate

    def __init__(self, model: Any, verbaliser: Verbaliser) -> None:
        super().__init__()
        words = [token for tokens in verbaliser for token in tokens]
        whole = model.get_output_embeddings()
        if not isinstance(whole, nn.Linear):
            raise ValueError(f"the masked-language head of {type(model).__name__} is not known")
        setattr(model, model.base_model_prefix, _Given())
        probe = torch.randn(1, 3, whole.in_features, generator=torch.Generator().manual_seed(0))
        model.train(False)
        with torch.no_grad():
            wanted = self._logits(model, probe)[..., words]
        bias = torch.zeros(len(words)) if whole.bias is None else whole.bias.detach()[words]
        rows = nn.utils.skip_init(nn.Linear, whole.in_features, len(words), bias=False)
        rows.weight = nn.Parameter(whole.weight.detach()[words].clone())
        model.set_output_embeddings(rows)
        for module in model.modules():  # a bias that some heads keep a second name of
            for name, value in list(module._parameters.items()):
                if value is not None and whole.bias is not None and value is whole.bias:
                    module._parameters[name] = None
        self.model = model
        self.bias = nn.Parameter(bias.clone().float())
        share = torch.zeros(len(words), len(verbaliser))
        place = 0
        for label, tokens in enumerate(verbaliser):
            share[place : place + len(tokens), label] = 1 / len(tokens)
            place += len(tokens)
        self.register_buffer("share", share, persistent=False)
        with torch.no_grad():
            if not torch.allclose(self._logits(model, probe) + self.bias, wanted, atol=1e-4):
                raise ValueError(f"the masked-language head of {type(model).__name__} is not known")

    def forward(self, features: Tensor) -> Tensor:
        """Scores [..., K] from features [..., D]."""
        flat = features.reshape(1, -1, features.shape[-1])
        logits = self._logits(self.model, flat).float() + self.bias  # [1, N, W]
        share: Any = self.share
        return (logits @ share).view(*features.shape[:-1], -1)

    @staticmethod
    def _logits(model: Any, features: Tensor) -> Tensor:
        logits: Tensor = model(inputs_embeds=features).logits
        return logits


class _Given(nn.Module):
    """An encoder's place: its output is its input."""

    def forward(self, *args: Any, **kwargs: Any) -> BaseModelOutput:
        """The features that were handed in as embeddings."""
        given = kwargs.get("inputs_embeds")
        if given is None:
            given = next(arg for arg in args if isinstance(arg, Tensor) and arg.is_floating_point())
        return BaseModelOutput(last_hidden_state=given)


def masked_head(encoder: str, config: Any, verbaliser: Verbaliser, count: int) -> MaskedHead:
    """The masked-language head of an encoder.

    Args:
        encoder: as for `LabelPolicy`; of a saved policy's folder the head has random weights, which
            `lingym.policies.load_heads` replaces.
        config: the encoder's configuration.
        verbaliser: the token ids of each label's words.
        count: K.

    Raises:
        ValueError: a label has no words, or the encoder has no such head.
    """
    if len(verbaliser) != count or not all(verbaliser):
        raise ValueError(
            f"the verbaliser has words for {sum(map(bool, verbaliser))} of {count} labels"
        )
    lacks = (
        f"encoder {encoder!r} has no masked-language head, which a verbaliser asks: take one that "
        "was saved with it (such as bert-base-uncased), or leave the verbaliser out"
    )
    if encoder == "tiny":
        raise ValueError(lacks)
    path = encoder_path(encoder)
    try:
        with quiet(), torch.random.fork_rng(devices=[]):
            if (Path(path) / "lingym.json").is_file():
                model = AutoModelForMaskedLM.from_config(
                    config, dtype=torch.float32, trust_remote_code=False
                )
                return MaskedHead(model, verbaliser)
            model, report = AutoModelForMaskedLM.from_pretrained(
                path,
                dtype=torch.float32,
                output_loading_info=True,
                use_safetensors=True,
                trust_remote_code=False,
            )
    except ValueError as error:
        raise ValueError(f"{lacks} ({str(error).splitlines()[0]})") from None
    missing = sorted(report["missing_keys"])
    if missing:
        raise ValueError(f"{lacks}; its files lack {missing[0]}")
    return MaskedHead(model, verbaliser)
