"""How large a difference must be to be seen, by simulation: a table of docs/statistics.md.

    python tests/scripts/compare/power_table.py

Ten data sets have the same true difference, in units of its standard error with three seeds, so
that the same difference stands in one column whatever the number of seeds.
"""

import numpy as np

from lingym.scripts.compare.bootstrap import Estimate
from lingym.scripts.compare.verdict import holm

DATA = 10
SIZES = (2, 3, 4, 6, 8)
WORLDS = {"seeds dominate": 0.05, "equal": 0.25, "items dominate": 0.8}
"""The part of one seed's variance that items give to all seeds alike; the rest is its own."""


def simulate(world, seeds, size, times=200):
    """The share of the data sets called better, without and with the correction."""
    random = np.random.default_rng(seeds)
    shared = WORLDS[world]
    rest = 1 - shared
    truth = size * np.sqrt(rest / 3 + shared)
    alone, corrected = [], []
    for _ in range(times):
        means = random.normal(truth, np.sqrt(rest / seeds + shared), DATA)
        parts = rest / seeds * random.chisquare(seeds - 1, DATA) / (seeds - 1)
        p = [Estimate((m,) * seeds, v, shared).p() for m, v in zip(means, parts, strict=True)]
        alone.append(np.mean(np.array(p) < 0.05))
        corrected.append(np.mean(np.array(holm(p)) < 0.05))
    return float(np.mean(alone)), float(np.mean(corrected))


def main():
    print(f"| what varies | seeds | {' | '.join(f'{size} SE' for size in SIZES)} |")
    print("|---|---|" + "---|" * len(SIZES))
    for world in WORLDS:
        for seeds in (3, 5, 10):
            cells = (simulate(world, seeds, size) for size in SIZES)
            shown = " | ".join(f"{100 * a:.0f} ({100 * c:.0f})" for a, c in cells)
            print(f"| {world} | {seeds} | {shown} |", flush=True)


if __name__ == "__main__":
    main()
