"""The same network as a stock Hugging Face model, where there is one that computes the same."""

from typing import Any

import torch
from torch import Tensor, nn
from transformers import AutoModelForSequenceClassification, AutoModelForTokenClassification
from transformers.modeling_utils import PreTrainedModel

from lingym.policies.policy import LabelPolicy


def stock_model(policy: LabelPolicy) -> PreTrainedModel | None:
    """A Hugging Face token or sequence classifier with the policy's weights and label names.

    Returns:
        None where no stock model computes the same: a head with history, constraints or rules, mean
        pooling, or an encoder whose stock head is another network. What is returned was run on
        random tokens and gave the policy's logits to 1e-4.
    """
    labels = policy.labels
    if policy.verbaliser is not None:  # its head asks for a pattern around the text
        return None
    if not policy.alone or policy.chained or policy.pooling != "first" or labels.ruled:
        return None
    many = labels.form == "text"  # yes or no of every role: one logit each
    if many and len(labels) != 2:
        return None
    names = labels.roles if many else labels.names
    whole = labels.of_text
    kind = AutoModelForSequenceClassification if whole else AutoModelForTokenClassification
    encoder: Any = policy.encoder
    config = type(encoder.config).from_dict(encoder.config.to_dict())
    config.id2label = dict(enumerate(names))
    config.label2id = {name: place for place, name in enumerate(names)}
    if many:
        config.problem_type = "multi_label_classification"
    try:
        with torch.random.fork_rng(devices=[]):  # its random initial weights are replaced below
            stock = kind.from_config(config, trust_remote_code=False)
    except ValueError:
        return None  # the architecture has no such classifier
    weights = _weights(policy, stock)
    if weights is None:
        return None
    stock.load_state_dict(weights)
    stock.train(False)
    return stock if _agree(policy, stock) else None


def _weights(policy: LabelPolicy, stock: PreTrainedModel) -> dict[str, Tensor] | None:
    """The stock model's weights taken from the policy, or None if some have no counterpart."""
    encoder: Any = policy.encoder
    own = {f"{stock.base_model_prefix}.{k}": v.cpu() for k, v in encoder.state_dict().items()}
    heads = [n for n, m in stock.named_modules() if isinstance(m, nn.Linear)]
    final = heads[-1] if heads else ""
    own[f"{final}.weight"] = _logits(policy, policy.label_head.weight.detach().T).T.cpu()
    own[f"{final}.bias"] = _logits(policy, policy.label_head.bias.detach()).cpu()
    for part in ("weight", "bias"):  # RoBERTa's classifier holds what others call the pooler
        pooler = own.get(f"{stock.base_model_prefix}.pooler.dense.{part}")
        if pooler is not None:
            own[f"classifier.dense.{part}"] = pooler
    wanted = stock.state_dict()
    if any(k not in own or own[k].shape != v.shape for k, v in wanted.items()):
        return None
    return {k: own[k].clone() for k in wanted}


def _logits(policy: LabelPolicy, scores: Tensor) -> Tensor:
    """A stock model's logits from the head's scores [..., outputs]: yes over no of each role."""
    if policy.labels.form != "text":
        return scores
    pairs = scores.unflatten(-1, (len(policy.labels.roles), 2))
    return pairs[..., 1] - pairs[..., 0]


@torch.no_grad()
def _agree(policy: LabelPolicy, stock: PreTrainedModel) -> bool:
    """Whether both give the same logits for two random texts, one of them padded."""
    generator = torch.Generator().manual_seed(0)
    encoder: Any = policy.encoder
    ids = torch.randint(encoder.config.vocab_size, (2, 8), generator=generator)
    mask = torch.ones_like(ids)
    mask[1, 6:] = 0
    out = encoder(input_ids=ids.to(policy.device), attention_mask=mask.to(policy.device))
    features = out.pooler_output if policy.text_feature else out.last_hidden_state
    if policy.labels.of_text and not policy.text_feature:
        features = features[:, 0]
    ours = _logits(policy, policy.label_head(features)).cpu()
    theirs = stock(input_ids=ids, attention_mask=mask).logits
    real = mask.bool() if ours.ndim == 3 else slice(None)
    return bool(torch.allclose(ours[real], theirs[real], atol=1e-4))
