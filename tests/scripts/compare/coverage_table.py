"""How often intervals cover, by simulation: the table of docs/statistics.md.

    python tests/scripts/compare/coverage_table.py

A difference of seed s on item i is a_s + b_i + e_si, and the true mean is 0. What is drawn is
known, so it can be counted how often each interval holds 0.
"""

from dataclasses import dataclass

import numpy as np
from scipy import special, stats

from lingym.scripts.compare.bootstrap import Estimate

METHODS = ("percentile", "n - 1 of n", "expanded", "Satterthwaite", "ours")


@dataclass(frozen=True)
class World:
    name: str
    seed: float  # variance of a_s, in units of the variance that N items leave in one seed's mean
    shared: float  # part of that variance which all seeds share (b), the rest being e's


WORLDS = (
    World("seeds dominate", 9, 0.5),
    World("equal", 1, 0.5),
    World("equal, nothing shared", 1, 0),
    World("items dominate", 0.05, 0.8),
    World("items dominate, nothing shared", 0, 0),
)


def simulate(world, seeds, items, times, methods=METHODS, resamples=1000):
    """Of each method the coverage, and half its mean width over that of the known normal."""
    random = np.random.default_rng(seeds * 1000 + items)
    found = {name: [] for name in methods}
    for _ in range(times):
        a = random.normal(0, np.sqrt(world.seed / items), (seeds, 1))
        b = random.normal(0, np.sqrt(world.shared), items)
        e = random.normal(0, np.sqrt(1 - world.shared), (seeds, items))
        values = a + b + e
        seen = values.mean(1)
        # A mean over hundreds of resampled items is normal: drawn as such it costs nothing.
        root = np.linalg.cholesky(np.cov(values) / items)
        drawn = seen[:, None] + root @ random.normal(size=(seeds, resamples))
        for name in methods:
            found[name].append(interval(name, seen, drawn, random))
    known = world.seed / seeds + world.shared + (1 - world.shared) / seeds
    full = 2 * special.ndtri(0.975) * np.sqrt(known / items)
    return {
        name: (
            float(np.mean([low <= 0 <= high for low, high in ends])),
            float(np.mean([high - low for low, high in ends]) / full),
        )
        for name, ends in found.items()
    }


def interval(name, seen, drawn, random):
    """An interval of one of the methods, from scores [S] and resamples of the items [S, R]."""
    count = len(seen)
    if name == "ours":
        return Estimate.of(seen, drawn).interval()
    if name == "Satterthwaite":
        parts = Estimate.of(seen, drawn)
        one, two = parts.seed_variance, np.cov(drawn).mean()
        freedom = (one + two) ** 2 / (one**2 / (count - 1))
        return stats.t.interval(0.95, freedom, seen.mean(), np.sqrt(one + two))
    size = count - 1 if name == "n - 1 of n" else count
    picked = random.integers(0, count, (size, drawn.shape[1]))
    means = np.take_along_axis(drawn, picked, 0).mean(0)
    if name == "expanded":  # Hesterberg, 2015, as far as the part of the seeds goes
        t, z = special.stdtrit(count - 1, 0.975), special.ndtri(0.975)
        factor = np.sqrt(count / (count - 1)) * t / z
        means = drawn.mean(0) + factor * (means - drawn.mean(0))
    return np.quantile(means, [0.025, 0.975])


def main():
    print(f"| what varies | seeds | items | {' | '.join(METHODS)} |")
    print("|---|---|---|" + "---|" * len(METHODS))
    for world in WORLDS:
        for seeds in (2, 3, 5, 10):
            for items in (500, 3000):
                cells = simulate(world, seeds, items, times=2000 if items == 500 else 1000).values()
                shown = " | ".join(f"{100 * c:.1f} ({w:.1f})" for c, w in cells)
                print(f"| {world.name} | {seeds} | {items} | {shown} |", flush=True)


if __name__ == "__main__":
    main()
