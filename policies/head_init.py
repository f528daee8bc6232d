"""Label heads that know something before training: rows from what labels mean, or look like.

Sizes: K labels, D features. A label without a row of its own (a NaN row) gets zero.
"""

import torch
from torch import Tensor

NAMED, LIKE = 10.0, 4.0
"""Scale of the first logits: of a cosine with a label's name, and of nearness to a prototype."""


def name_rows(
    meanings: Tensor, texts: Tensor | None = None, scale: float = NAMED
) -> tuple[Tensor, Tensor]:
    """Weight [K, D] and bias [K] of a head that compares features with what labels mean.

        d_k = (m_k - mean m) / |m_k - mean m|,    w_k = scale d_k / n,    b_k = -w_k . c

    where c is the mean feature of some texts and n their mean distance from it, so that the logit
    w_k . f + b_k is about `scale` times the cosine of f - c and d_k: a cosine classifier (Gidaris
    and Komodakis, 2018, https://arxiv.org/abs/1804.09458, who begin with 10) whose features need
    not be normalised. Encoders' features lie in a narrow cone; taking the means off leaves what
    tells labels apart. Label names as prototypes: Ma et al. (2022),
    https://aclanthology.org/2022.findings-acl.155.

    Args:
        meanings: [K, D] the features of the labels' names; NaN for a label that means nothing,
            whose logit is 0. Equal rows (B-x and I-x) count once in the mean.
        texts: [N, D] features of units, no labels needed; None takes the names' own.
        scale: of the logits.
    """
    there = ~meanings.isnan().any(1)
    known = torch.unique(meanings[there], dim=0)
    centre = known.mean(0) if len(known) > 1 else torch.zeros_like(meanings[0])
    own = meanings - centre
    seen = known if texts is None else texts
    middle = seen.mean(0)
    spread = (seen - middle).norm(dim=1).mean()
    if not spread > 0:  # one text, or equal ones
        middle, spread = torch.zeros_like(middle), seen.norm(dim=1).mean()
    rows = scale * own / own.norm(dim=1, keepdim=True).clamp(min=1e-12) / spread
    rows = torch.where(there[:, None], rows, 0.0)
    return rows, -rows @ middle


def prototype_rows(prototypes: Tensor, scale: float = LIKE) -> tuple[Tensor, Tensor]:
    """Weight [K, D] and bias [K] of the head of a prototypical network.

        p(k | f) ~ exp(-t/2 |f - c_k|^2),    d_k = c_k - mean c
        w_k = t d_k,    b_k = -t (d_k . mean c + |d_k|^2 / 2),    t = scale / mean |d_k|^2

    which is the classifier of Snell et al. (2017, https://arxiv.org/abs/1703.05175, equation 8):
    linear, since |f|^2 is the same for all labels. t makes the logits of features of any size alike
    (the paper's distance has no scale, and its encoder learns one).

    Args:
        prototypes: [K, D] the mean feature of each label's units; NaN for a label that has none,
            whose logit is `scale` below the mean of the others at mean c.
        scale: of the logits.
    """
    there = ~prototypes.isnan().any(1)
    centre = prototypes[there].mean(0)
    own = torch.where(there[:, None], prototypes - centre, 0.0)
    square = own.square().sum(1)
    level = square[there].mean()
    heat = scale / level if level > 0 else torch.zeros_like(level)
    bias = -heat * (own @ centre + square / 2)
    return heat * own, torch.where(there, bias, -1.5 * scale)
