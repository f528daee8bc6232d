"""Texts that differ from each other and from what has a label, whatever a labeller is unsure of.

Sizes: E texts, D features, n texts to choose.
"""

import numpy as np

from lingym.envs.active import nearest
from lingym.types import FloatArray, Rows


def k_center(
    vectors: FloatArray, labelled: Rows, n: int, generator: np.random.Generator
) -> tuple[Rows, FloatArray]:
    """Again and again the text farthest from all that are labelled or chosen.

    The greedy 2-approximation of the least radius within which every text has a labelled one (Sener
    and Savarese, 2018, https://arxiv.org/abs/1708.00489; Gonzalez, 1985).

    Args:
        vectors: [E, D].
        labelled: the texts that have a label; without any, the first text is drawn at random.
        n: texts to choose among the others.
        generator: of the first text, and of ties.

    Returns:
        The texts [n] in the order in which they were chosen, and how far each then was [n].
    """
    far = nearest(vectors, labelled)
    order = generator.permutation(len(vectors))  # the first of equals is then any of them
    free = np.ones(len(vectors), np.bool_)
    free[labelled] = False
    rows, scores = np.zeros(n, np.int32), np.zeros(n)
    for place in range(n):
        row = int(order[np.where(free[order], far[order], -1.0).argmax()])
        rows[place], scores[place] = row, far[row]
        free[row] = False
        far = np.minimum(far, np.linalg.norm(vectors - vectors[row], axis=1))
    return rows, scores


def badge(
    vectors: FloatArray, rest: FloatArray, labelled: Rows, n: int, generator: np.random.Generator
) -> tuple[Rows, FloatArray]:
    """Texts whose gradients would be large and unlike: BADGE.

    The gradient of a linear head's cross-entropy at the label it would give is the outer product

        g = (p - onehot(mode)) x f,    <g_i, g_j> = <r_i, r_j> <f_i, f_j>,    r = p - onehot

    which is never written out. The first text has the largest |g|; each further one is drawn with a
    chance in proportion to its squared distance to the nearest chosen one, as k-means++ does (Ash
    et al., 2020, https://arxiv.org/abs/1906.03671; Arthur and Vassilvitskii, 2007).

    Args:
        vectors: [E, D] the feature f of each text's one unit.
        rest: [E, K] its r.
        labelled: the texts that have a label, which are not chosen.
        n: texts to choose.
        generator: of the draws, and of ties.

    Returns:
        The texts [n] in the order in which they were chosen, and the |g| of the first and the
        distance of each other when it was drawn, [n].
    """
    sizes = (rest**2).sum(1) * (vectors**2).sum(1)
    order = generator.permutation(len(vectors))
    free = np.ones(len(vectors), np.bool_)
    free[labelled] = False
    far = sizes.copy()
    rows, scores = np.zeros(n, np.int32), np.zeros(n)
    for place in range(n):
        left = np.where(free, far, 0.0)
        if place and left.sum() > 0:
            row = int(generator.choice(len(far), p=left / left.sum()))
        else:  # the first, or all that is left lies where a chosen one does
            row = int(order[np.where(free[order], far[order], -1.0).argmax()])
        rows[place], scores[place] = row, np.sqrt(far[row])
        free[row] = False
        product = (rest @ rest[row]) * (vectors @ vectors[row])
        new = np.maximum(sizes + sizes[row] - 2 * product, 0.0)
        far = new if place == 0 else np.minimum(far, new)
    return rows, scores
