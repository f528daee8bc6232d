"""The Pareto front beside its definition, point by point."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lingym.rewards import pareto_front

tables = st.integers(1, 3).flatmap(
    lambda width: st.lists(st.lists(st.integers(0, 4), min_size=width, max_size=width), max_size=12)
)


@given(tables)
def test_it_is_what_no_other_point_dominates(points):
    table = np.array(points, float).reshape(len(points), -1 if points else 2)
    wanted = [
        not any(
            all(o >= p for o, p in zip(other, point, strict=True)) and list(other) != list(point)
            for other in table
        )
        for point in table
    ]
    assert pareto_front(table).tolist() == wanted


@pytest.mark.parametrize(
    ("points", "cause"),
    [
        ([1.0, 2.0], r"points have shape \[2\]: wanted \[results, measures\]"),
        ([[1.0, 2.0], [np.nan, 1.0]], r"point 1 is \[nan, 1.0\]: wanted finite numbers"),
    ],
)
def test_refused(points, cause):
    with pytest.raises(ValueError, match=cause):
        pareto_front(points)
