import numpy as np
import pytest
from scipy.stats import mannwhitneyu

from lingym.scripts.compare.across import iqm, probability_of_improvement


def arrays(*values):
    return [np.array(each, np.float64) for each in values]


def test_iqm_by_hand():
    # Of twelve, three are cut at either end: the mean of 4 to 9.
    found = iqm(arrays([1, 12, 5, 6], [2, 3, 4, 100], [7, 8, 9, 10]))
    # rising: 1 2 3 | 4 5 6 7 8 9 | 10 12 100
    assert found.mean == pytest.approx(6.5)
    assert found.low < 6.5 < found.high
    # Six values: 1.5 rounds down to one at either end.
    assert iqm(arrays([1, 2, 3], [4, 5, 60])).mean == pytest.approx(3.5)


def test_data_sets_may_have_other_numbers_of_runs():
    assert iqm(arrays([1, 2, 3], [4, 5])).mean == pytest.approx(3)


def test_improvement_by_hand():
    # 0.5 + 1 + 1 + 1 + 0 + 1 of 6 pairs, and 1 of 4.
    x, y = arrays([2, 3, 1], [1, 2]), arrays([2, 0], [2.5, 1.5])
    found = probability_of_improvement(x, y)
    assert found.mean == pytest.approx((4.5 / 6 + 1 / 4) / 2)


def test_improvement_is_mann_whitney():
    random = np.random.default_rng(0)
    x = list(np.round(random.normal(0.5, 1, (4, 5)), 1))
    y = list(np.round(random.normal(0.0, 1, (4, 3)), 1))
    wanted = np.mean([mannwhitneyu(a, b).statistic / 15 for a, b in zip(x, y, strict=True)])
    found = probability_of_improvement(x, y)
    assert found.mean == pytest.approx(wanted, rel=1e-12)
    assert probability_of_improvement(y, x).mean == pytest.approx(1 - wanted, rel=1e-12)
    assert 0 <= found.low < found.mean < found.high <= 1


def test_sure_and_even():
    sure = probability_of_improvement(arrays([3, 4, 5]), arrays([0, 1, 2]))
    assert (sure.mean, sure.low, sure.high) == (1, 1, 1)
    even = probability_of_improvement(arrays([1, 1]), arrays([1, 1]))
    assert (even.mean, even.low, even.high) == (0.5, 0.5, 0.5)


def test_strata_are_drawn_apart():
    """As rliable draws them: a run of a data set never stands in for one of another."""
    found = iqm(arrays([0, 0, 0, 0], [1, 1, 1, 1]))
    assert (found.low, found.mean, found.high) == (0.5, 0.5, 0.5)
    # Two runs of each of two: a loop over all 4 * 4 equally likely resamples.
    from itertools import product

    from scipy.stats import trim_mean

    runs = arrays([0.0, 1.0], [10.0, 12.0])
    values = [
        trim_mean([*first, *second], 0.25)
        for first in product(runs[0], repeat=2)
        for second in product(runs[1], repeat=2)
    ]
    found = iqm(runs)
    assert found.low == pytest.approx(min(values))
    assert found.high == pytest.approx(max(values))


def test_one_run_says_nothing_of_runs():
    found = iqm(arrays([0.5], [0.6, 0.7]))
    assert found.mean == pytest.approx(0.6)
    assert (found.low, found.high) == (-np.inf, np.inf)


def test_refused():
    with pytest.raises(ValueError, match=r"runs has \[\] runs"):
        iqm([])
    with pytest.raises(ValueError, match=r"against has \[0\] runs"):
        probability_of_improvement(arrays([1]), arrays([]))
    with pytest.raises(ValueError, match="against has 1 data sets: wanted 2"):
        probability_of_improvement(arrays([1], [2]), arrays([1]))
