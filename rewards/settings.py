"""What several rewards want of their settings."""

_SEEDS = 2**63


def is_whole(setting: object, least: int) -> bool:
    """Whether a setting is a whole number from ``least`` on; True and 2.0 are none."""
    return isinstance(setting, int) and not isinstance(setting, bool) and setting >= least


def check_seed(seed: object) -> None:
    """Refuse a seed that chance would cut to another.

    Raises:
        ValueError: it is no whole number of 64 bits.
    """
    if not isinstance(seed, int) or isinstance(seed, bool) or not -_SEEDS <= seed < _SEEDS:
        raise ValueError(f"seed is {seed!r}: wanted a whole number of 64 bits")
