"""The options of `lingym train` about what of the encoder is trained."""

import pytest

from lingym.scripts.options_tuning import EncoderTuning


@pytest.mark.parametrize("agent", ["supervised", "ppo", "preference"])
def test_what_can_be_passes_and_is_handed_on(agent: str) -> None:
    EncoderTuning().check(agent)
    given = EncoderTuning(tune="lora", lora_rank=4, lora_alpha=2.0)
    given.check(agent)
    wanted = {"tune": "lora", "lora_rank": 4, "lora_alpha": 2.0}
    assert given.arguments() == wanted
    assert EncoderTuning().arguments().keys() == {"feature_cache"}  # a warm start may be frozen
    assert EncoderTuning(feature_cache="off").arguments() == {}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tune": "half"}, "tune must be one of full, frozen, top:N, bitfit, lora"),
        ({"lora_rank": 4}, "lora_rank is for tune lora, not full"),
        ({"tune": "prompt", "prompt_tokens": 0}, "prompt_tokens must be a whole number from 1 on"),
        ({"base": "there"}, "--base says where a warm start's base is"),
    ],
)
def test_nonsense_is_refused_before_files_are_read(options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        EncoderTuning(**options).check("supervised")


def test_a_warm_start_may_bring_the_method() -> None:
    """Its sizes are checked when it is read."""
    EncoderTuning(lora_rank=4, base="there").check("supervised", warm=True)
