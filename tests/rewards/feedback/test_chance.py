"""Numbers that depend on what is asked alone."""

import numpy as np
import pytest

from lingym.rewards.feedback.chance import hashed, questions, uniform


def test_the_hash_is_splitmix64() -> None:
    # The first outputs of the reference implementation (Vigna, splitmix64.c) for the seeds 0 and
    # 1234567.
    assert [int(hashed(seed)) for seed in (0, 1234567)] == [
        0xE220A8397B1DCDAF,
        6457827717110365317,
    ]


def test_numbers_are_uniform_and_independent() -> None:
    numbers = uniform(7, np.arange(300)[:, None], np.arange(300))
    assert numbers.min() >= 0 and numbers.max() < 1
    counts = np.histogram(numbers, 20, (0, 1))[0]
    assert ((counts - 4500) ** 2 / 4500).sum() < 43.8  # chi-squared of 19 degrees, p = .001
    for other in (uniform(8, np.arange(300)[:, None], np.arange(300)), numbers.T):
        assert abs(np.corrcoef(numbers.ravel(), other.ravel())[0, 1]) < 0.015


def test_words_stand_in_order_and_broadcast() -> None:
    wide = uniform(3, np.array([[5], [6]]), np.array([1, 2, -1]))
    assert wide.shape == (2, 3)
    assert wide[1, 2] == uniform(3, 6, -1) != uniform(6, 3, -1)


def test_a_question_is_the_labels_up_to_a_unit() -> None:
    one, other = questions(np.array([[1, 2, 0, 1], [1, 2, 1, 1]], np.int32))
    assert (one == other).tolist() == [True, True, False, False]
    turned, _ = questions(np.array([[2, 1, 0, 1], [0, 0, 0, 0]], np.int32))
    assert not (one == turned).any()  # the same labels in another order
    np.testing.assert_array_equal(questions(np.array([[1, 2]], np.int32))[0], one[:2])


@pytest.mark.parametrize("shape", [(0, 3), (2, 0)])
def test_no_questions(shape: tuple[int, int]) -> None:
    assert questions(np.zeros(shape, np.int32)).shape == shape
