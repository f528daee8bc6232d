import importlib.util
import time
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from lingym.scripts.compare.bootstrap import Estimate, resampled

HERE = Path(__file__).parent


class Means:
    """Items whose metric is the mean of their values."""

    def __init__(self, values):
        self.values = np.asarray(values, np.float64)

    def __len__(self):
        return len(self.values)

    def score(self, weights=None):
        weights = np.ones((1, len(self))) if weights is None else weights
        return weights @ self.values / weights.sum(1)

    def keep(self, mask):
        return Means(self.values[mask])


class F1(Means):
    """Items whose metric is an F1 of counts [N, 3]: true positives, predictions, gold."""

    def score(self, weights=None):
        weights = np.ones((1, len(self))) if weights is None else weights
        right, given, gold = (weights @ self.values).T
        return 2 * right / (given + gold)


def runs(random, seeds=3, items=400, seed_noise=0.02):
    easy = random.normal(size=items)
    return [
        Means(0.5 + random.normal(0, seed_noise) + 0.2 * easy + random.normal(0, 0.3, items))
        for _ in range(seeds)
    ]


def estimated(some, **options):
    return Estimate.of(np.array([r.score()[0] for r in some]), resampled(some, **options))


def test_resamples_are_those_of_scipy_and_of_textbooks():
    random = np.random.default_rng(0)
    some = runs(random)
    drawn = resampled(some, resamples=4000)
    assert drawn.shape == (3, 4000)
    for run, scores in zip(some, drawn, strict=True):
        one = stats.bootstrap(
            (run.values,), np.mean, n_resamples=4000, method="percentile", rng=random
        )
        assert scores.std(ddof=1) == pytest.approx(one.standard_error, rel=0.06)
        assert scores.std(ddof=1) == pytest.approx(run.values.std() / np.sqrt(400), rel=0.06)
        assert scores.mean() == pytest.approx(run.values.mean(), abs=0.001)


def test_a_run_against_itself_never_differs_and_calls_are_paired():
    some = runs(np.random.default_rng(1), seeds=2)
    drawn = resampled([some[0], some[0], some[1]])
    assert (drawn[0] == drawn[1]).all()
    assert (resampled([some[1]])[0] == drawn[2]).all()
    assert (resampled([some[1]], seed=5)[0] != drawn[2]).any()


def test_f1_of_a_resample_is_that_of_its_items():
    random = np.random.default_rng(2)
    counts = random.integers(1, 4, (50, 3)).astype(float)
    drawn = resampled([F1(counts)], resamples=5)[0]
    again = np.random.default_rng(20260)
    picked = again.integers(0, 50, (5, 50))  # as scipy draws them
    totals = counts[picked].sum(1)
    np.testing.assert_allclose(drawn, 2 * totals[:, 0] / (totals[:, 1] + totals[:, 2]), rtol=1e-13)


def test_variances_by_hand():
    seen = np.array([0.1, 0.2, 0.6])
    drawn = np.array([[0.0, 0.2, 0.1], [0.1, 0.3, 0.2], [0.5, 0.9, np.nan]])
    estimate = Estimate.of(seen, drawn)
    # (0.04 + 0.01 + 0.09) / (3 * 2); covariances of two resamples, 0.02, 0.04 and 0.04, each twice
    assert estimate.seed_variance == pytest.approx(0.14 / 6, rel=1e-12)
    assert estimate.item_variance == pytest.approx(2 * (0.02 + 0.04 + 0.04) / 6, rel=1e-12)
    assert estimate.mean == pytest.approx(0.3)


def test_the_parts_make_up_the_crossed_bootstrap_of_scipy():
    # Seeds and items drawn by SciPy as two independent samples. Its variance has the seeds' part
    # times (S - 1) / S, and the part that a seed's items do not share up to three times.
    random = np.random.default_rng(3)
    some = runs(random, seeds=4, seed_noise=0.05)
    table = np.stack([run.values for run in some])

    def crossed(seeds, items, axis=-1):
        return table[seeds[..., :, None], items[..., None, :]].mean((-2, -1))

    both = stats.bootstrap(
        (np.arange(4), np.arange(400)),
        crossed,
        n_resamples=4000,
        batch=500,
        vectorized=True,
        method="percentile",
        rng=random,
    )
    estimate = estimated(some, resamples=4000)
    own = np.mean([run.values.var() / 400 for run in some]) - estimate.item_variance
    wanted = 3 / 4 * estimate.seed_variance + estimate.item_variance + own * (1 + 3 / 4) / 4
    assert both.standard_error**2 == pytest.approx(wanted, rel=0.08)


def test_an_interval_is_student_s_where_only_seeds_vary():
    values = np.array([0.51, 0.55, 0.56])
    estimate = Estimate.of(values, np.repeat(values[:, None], 10, 1))
    low, high = estimate.interval()
    wanted = stats.t.interval(0.95, 2, values.mean(), stats.sem(values))
    assert (low, high) == pytest.approx(wanted, rel=1e-12)
    assert estimate.p() == pytest.approx(stats.ttest_1samp(values, 0).pvalue, rel=1e-9)


def test_an_interval_is_normal_where_only_items_vary():
    estimate = Estimate((0.02,) * 3, 0.0, 1e-4)
    assert estimate.interval() == pytest.approx(stats.norm.interval(0.95, 0.02, 0.01), rel=1e-12)
    assert estimate.p() == pytest.approx(2 * stats.norm.sf(2), rel=1e-9)


@pytest.mark.parametrize("count", [2, 3, 5, 10])
@pytest.mark.parametrize("parts", [(1e-4, 1e-6), (1e-5, 1e-5), (1e-7, 1e-4)])
def test_p_and_interval_agree(count, parts):
    for mean in (0.001, 0.01, -0.03, 0.2):
        estimate = Estimate((mean,) * count, *parts)
        p = estimate.p()
        assert estimate.reach(p) == pytest.approx(abs(mean), rel=1e-9)
        low, high = estimate.interval()
        assert (p < 0.05) == (low > 0 or high < 0)


def test_nothing_and_no_doubt():
    assert Estimate((0.0, 0.0), 0.0, 0.0).p() == 1
    assert Estimate((0.1, 0.1), 0.0, 0.0).p() < 1e-99
    assert Estimate((0.1, -0.1), 0.01, 0.0).p() == 1


def test_one_seed_cannot_say():
    estimate = estimated(runs(np.random.default_rng(4), seeds=1))
    assert estimate.item_variance > 0
    assert estimate.interval() == (-np.inf, np.inf)
    assert estimate.p() == 1


def test_refused():
    with pytest.raises(ValueError, match=r"\[3, 4\] test items"):
        resampled([Means([1, 2, 3]), Means([1, 2, 3, 4])])
    with pytest.raises(ValueError, match=r"\[1\] test items: wanted one number, of 2 or more"):
        resampled([Means([1])])


def test_five_thousand_items_take_a_second():
    random = np.random.default_rng(5)
    some = [F1(random.integers(1, 5, (5000, 3)).astype(float)) for _ in range(6)]
    resampled(some, resamples=10)
    began = time.process_time()
    resampled(some)
    assert time.process_time() - began < 10  # about 1 s on one free core


@pytest.mark.slow
def test_coverage():
    spec = importlib.util.spec_from_file_location("coverage_table", HERE / "coverage_table.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for seeds in (2, 3, 5):
        for world in module.WORLDS:
            found = module.simulate(world, seeds, items=300, times=800, methods=("ours",))
            assert found["ours"][0] > 0.95 - 0.023, (world, seeds)  # three standard errors
