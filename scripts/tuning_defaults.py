"""What `lingym tune` searches when it is not told: what each agent's result hangs on most."""

from dataclasses import replace

from lingym.rewards import from_spec
from lingym.scripts.groups import DEFAULTS, value_of
from lingym.scripts.train import Train
from lingym.scripts.tune import Tune
from lingym.scripts.tuning_space import WARM, Knob

RATES = (
    Knob("learning_rate", low=1e-5, high=5e-4, log=True),
    Knob("head_lr_scale", low=1.0, high=30.0, log=True),
    Knob("batch_size", (8, 16, 32)),
)
GENTLE = replace(RATES[0], low=5e-6, high=2e-4)
"""For reinforcement learning that goes on from a labeller that knows something already."""
KL = Knob("kl_coef", (0.0, 0.01, 0.03, 0.1, 0.3))
ENTROPY = Knob("ent_coef", (0.0, 0.001, 0.01, 0.03))
GOLD = Knob("gold_coef", (0.0, 0.1, 0.3, 1.0))
DROPOUT = Knob("dropout", (False, True))
SAMPLES = Knob("samples", (2, 4, 8, 16))
BASELINES = Knob("baseline", ("leave-one-out", "group", "greedy"))

OWN: dict[str, tuple[Knob, ...]] = {
    "supervised": (Knob("label_smoothing", (0.0, 0.05, 0.1, 0.2)),),
    "ppo": (
        *(KL, ENTROPY, SAMPLES, GOLD, DROPOUT),
        Knob("clip_range", (0.1, 0.2, 0.3)),
        Knob("n_epochs", (1, 2, 4)),
        Knob("baseline", ("leave-one-out", "group")),
    ),
    "reinforce": (KL, ENTROPY, SAMPLES, GOLD, DROPOUT, BASELINES),
    "expected_reward": (KL, ENTROPY, GOLD, DROPOUT),
    "minimum_risk": (
        *(KL, ENTROPY, SAMPLES, GOLD, DROPOUT),
        Knob("alpha", low=0.001, high=1.0, log=True),
        Knob("include_gold", (False, True)),
    ),
    "preference": (
        *(replace(KL, choices=(0.03, 0.1, 0.2, 0.5)), ENTROPY, SAMPLES),
        Knob("comparisons", (2, 4, 8)),
        Knob("model_learning_rate", low=1e-5, high=1e-4, log=True),
    ),
}
"""The knobs of each agent beside the learning rates and the batch."""


def default_space(tune: Tune) -> tuple[Knob, ...]:
    """The knobs of a search that names none; an option that was changed is none.

    Left out, too, where they mean nothing or are refused beside what was changed: the KL to a
    policy that knows nothing, gold labels that the reward hides, baselines of a single sample.
    """
    base = tune.base()
    warm = base.warm_start is not None or any(tune.warm_passes)
    reinforced = base.agent != "supervised"
    rates = (GENTLE, *RATES[1:]) if reinforced and warm else RATES
    dropped = {one.name for one in (*rates, *OWN[base.agent]) if changed(base, one.name)}
    if not warm and base.agent != "preference":
        dropped.add("kl_coef")
    if reinforced and base.reward is not None and from_spec(base.reward).hides_gold:
        dropped |= {"gold_coef", "include_gold", "baseline"}
    refused = {
        "dropout": base.feedback_delay > 0,
        "label_smoothing": base.focal_gamma > 0,
        "baseline": base.samples == 1,
    }
    dropped |= {name for name, told in refused.items() if told}
    return tuple(one for one in (*rates, *OWN[base.agent]) if one.name not in dropped)


def warm_knob(tune: Tune) -> tuple[Knob, ...]:
    """The length of the warm start, where there are several to choose from."""
    return (Knob(WARM, tune.warm_passes),) if len(tune.warm_passes) > 1 else ()


def changed(base: Train, name: str) -> bool:
    """Whether an option is other than by default."""
    return bool(value_of(base, name) != DEFAULTS[name])
