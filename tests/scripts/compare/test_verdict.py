import pytest

from lingym.scripts.compare.verdict import holm, verdict


def test_holm_by_hand():
    # Rising: .005 * 4, .01 * 3, .03 * 2, .04 * 1, which may not fall below the one before.
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_holm_stops_at_one_and_keeps_ties():
    assert holm([0.6, 0.7]) == [1, 1]
    assert holm([0.02, 0.02, 0.02]) == pytest.approx([0.06, 0.06, 0.06])
    assert holm([0.04]) == [0.04]
    assert holm([]) == []


@pytest.mark.parametrize("bad", [1.5, -0.1, float("nan")])
def test_holm_refuses_what_is_no_p_value(bad):
    with pytest.raises(ValueError, match=r"p holds .*: wanted values from 0 to 1"):
        holm([0.5, bad])


def test_verdicts():
    assert verdict(0.1, 0.049) == "better"
    assert verdict(-0.1, 0.049) == "worse"
    assert verdict(0.1, 0.05) == "no difference seen"
    assert verdict(-0.1, 0.2) == "no difference seen"
    assert verdict(-0.1, 0.2, alpha=0.5) == "worse"
