"""A policy that chooses which text to label next, learned by REINFORCE.

Sizes: C texts to choose among, F numbers of each, N episodes, T labels of an episode.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from lingym.agents.active.view import View
from lingym.envs.active import NAMES, ActiveLabellingEnv, candidate_features, nearest
from lingym.trusted import check_folder, read_json
from lingym.types import FloatArray, Rows

ABOUT, WEIGHTS = "chooser.json", "chooser.safetensors"


@dataclass(frozen=True)
class Chooser:
    """pi(text c) = softmax_c(w . x_c), over numbers that mean the same on any corpus.

    Attributes:
        weights: [F] float64.
        names: of the numbers.
        about: how it was learned, for a person to read.

    Raises:
        ValueError: the numbers are others than `lingym.envs.active.NAMES`.
    """

    weights: FloatArray
    names: tuple[str, ...] = NAMES
    about: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse weights of other numbers."""
        if tuple(self.names) != NAMES or np.shape(self.weights) != (len(NAMES),):
            raise ValueError(
                f"a chooser has a weight for each of {', '.join(NAMES)}; this has "
                f"{np.shape(self.weights)} for {', '.join(self.names)}"
            )
        if not np.isfinite(self.weights).all():
            raise ValueError("a chooser's weights are finite numbers")

    def chances(self, shown: Any) -> FloatArray:
        """The probability of each text, [..., C], of numbers [..., C, F]."""
        scores = np.asarray(shown, np.float64) @ self.weights
        powers = np.exp(scores - scores.max(-1, keepdims=True))
        found: FloatArray = powers / powers.sum(-1, keepdims=True)
        return found

    def pick(
        self, pool: View, labelled: Rows, n: int, generator: np.random.Generator
    ) -> tuple[Rows, FloatArray]:
        """The most probable text of the whole pool, n times; distances see what was chosen.

        Args:
            pool: the texts.
            labelled: those that have a label.
            n: texts to choose.
            generator: of ties.

        Returns:
            The texts [n], and their scores w . x when they were chosen, [n].
        """
        said = pool.said
        units = np.maximum(said.units, 1)
        means = said.entropy / units, 1 - said.margin / units
        far = nearest(said.vectors, labelled)
        order = generator.permutation(len(pool))
        known = list(labelled)
        rows, scores = np.zeros(n, np.int32), np.zeros(n)
        for place in range(n):
            taken = np.array(known, np.int32)
            found = candidate_features(*means, far, pool.density, units, taken) @ self.weights
            found[taken] = -np.inf
            row = int(order[found[order].argmax()])
            rows[place], scores[place] = row, found[row]
            known.append(row)
            far = np.minimum(far, np.linalg.norm(said.vectors - said.vectors[row], axis=1))
        return rows, scores

    def save(self, folder: str | Path) -> None:
        """Write a folder that `load` reads."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        save_file({"weights": np.asarray(self.weights, np.float64)}, folder / WEIGHTS)
        told = {"names": list(self.names), "about": self.about}
        text = json.dumps(told, indent=2, ensure_ascii=False, default=str)
        (folder / ABOUT).write_text(text + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: str | Path) -> "Chooser":
        """Read a folder that `save` wrote.

        Raises:
            ValueError: it is none, or torn, or of another version.
        """
        folder = Path(folder)
        try:
            check_folder(folder)
            told = read_json(folder / ABOUT)
            weights = load_file(folder / WEIGHTS)["weights"]
            return cls(weights, tuple(told["names"]), dict(told["about"]))
        except (OSError, KeyError, TypeError, ValueError, SafetensorError) as error:
            raise ValueError(f"{folder} holds no chooser of texts: {error}") from None


def learn_chooser(
    env: ActiveLabellingEnv,
    updates: int = 40,
    samples: int = 8,
    learning_rate: float = 0.1,
    seed: int = 0,
    tell: Callable[[int, float], None] = lambda update, gain: None,
) -> Chooser:
    """Learn to choose by playing many rounds of labelling.

    REINFORCE (Williams, 1992, https://doi.org/10.1007/BF00992696): each update plays `samples`
    episodes from the same start, and follows

        sum_t A_t (x_{a_t} - sum_c pi_c x_c),    A_t = sum_{s >= t} r_s - the others' mean of it

    divided by the standard deviation of the A of the update. The starts are drawn by the seed.

    Args:
        env: see `lingym.envs.active.ActiveLabellingEnv`.
        updates: of the weights, which begin at 0: at choosing at random.
        samples: episodes of an update.
        learning_rate: of Adam at its first step; it falls to 0.
        seed: of everything.
        tell: called with each update and the mean gain of its episodes.

    Raises:
        ValueError: no updates, one sample only, or a learning rate that is not above 0.
    """
    if updates < 1 or samples < 2 or not 0 < learning_rate < np.inf:
        raise ValueError(
            f"updates {updates}, samples {samples}, learning_rate {learning_rate}: wanted 1 or "
            "more, 2 or more, and above 0"
        )
    random = np.random.default_rng(seed)
    chooser = Chooser(np.zeros(len(NAMES)))
    mean, square = np.zeros(len(NAMES)), np.zeros(len(NAMES))
    gains: list[float] = []
    for update in range(updates):
        start = int(random.integers(2**31))
        played = [_play(env, chooser, start, random) for _ in range(samples)]
        slopes = np.stack([slope for slope, _ in played])  # [N, T, F]
        rewards = np.stack([reward for _, reward in played])  # [N, T]
        gains.append(float(rewards.sum(1).mean()))
        tell(update, gains[-1])
        gradient = _gradient(slopes, rewards)
        mean = 0.9 * mean + 0.1 * gradient
        square = 0.99 * square + 0.01 * gradient**2
        ahead = mean / (1 - 0.9 ** (update + 1))
        size = np.sqrt(square / (1 - 0.99 ** (update + 1)))
        rate = learning_rate * (1 - update / updates)
        chooser = Chooser(chooser.weights + rate * ahead / (size + 1e-8))
    about = {"updates": updates, "samples": samples, "learning_rate": learning_rate, "seed": seed}
    sizes = {"start": env.start, "horizon": env.horizon, "candidates": env.candidates}
    return Chooser(chooser.weights, about={**about, **sizes, "gains": gains})


def _play(
    env: ActiveLabellingEnv, chooser: Chooser, start: int, random: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """One episode: the slope of log pi at each step [T, F], and the rewards [T]."""
    shown, _ = env.reset(seed=start)
    slopes, rewards, done = [], [], False
    while not done:
        chances = chooser.chances(shown)
        action = int(random.choice(len(chances), p=chances))
        slopes.append(shown[action] - chances @ shown)
        shown, reward, done, _, _ = env.step(action)
        rewards.append(reward)
    return np.stack(slopes).astype(np.float64), np.array(rewards)


def _gradient(slopes: FloatArray, rewards: FloatArray) -> FloatArray:
    """The policy gradient [F] of slopes [N, T, F] and rewards [N, T]; 0 where all gain the same."""
    count = len(rewards)
    returns = rewards[:, ::-1].cumsum(1)[:, ::-1]
    others = (returns.sum(0) - returns) / (count - 1)
    advantages = returns - others
    spread = advantages.std()
    if spread < 1e-12:
        return np.zeros(slopes.shape[-1])
    found: FloatArray = np.einsum("nt,ntf->f", advantages / spread, slopes) / count
    return found
