"""The benchmark of ROUGE compares equal work, and says so where it is not."""

import numpy as np
import pytest

from lingym.rewards import References
from lingym.scripts.bench_rouge import RougeRate

SMALL = RougeRate("synthetic:abstracts?train=8&dev=0&test=0", batch=4, rounds=1, texts=8)


def test_it_prints_three_ratios(capsys: pytest.CaptureFixture[str]) -> None:
    SMALL.run()
    rows = capsys.readouterr().out.splitlines()[2:]
    assert [row[:12].strip() for row in rows] == ["one sentence", "30 % of sent", "all"]
    rates = [[float(rate) for rate in row[22:].split()[:2]] for row in rows]
    assert all(rate > 0 for pair in rates for rate in pair)


def test_scores_that_differ_are_no_comparison(monkeypatch: pytest.MonkeyPatch) -> None:
    right = References.scores

    def wrong(self: References, chosen: np.ndarray, examples: np.ndarray) -> np.ndarray:
        return right(self, chosen, examples) + 1e-9

    monkeypatch.setattr(References, "scores", wrong)
    with pytest.raises(ValueError, match="differ"):
        SMALL.run()
