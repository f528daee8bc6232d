"""What `lingym train` refuses before it reads a file: numbers out of range, options without use."""

from dataclasses import fields

from lingym.scripts.train import Train

LEAST = {
    **dict.fromkeys(("episodes", "batch_size", "rollout", "max_tokens", "eval_every"), 1),
    **dict.fromkeys(("train_limit", "dev_limit", "test_limit", "patience", "threads"), 1),
    **dict.fromkeys(("samples", "n_epochs", "comparisons"), 1),
    **dict.fromkeys(("seed", "limit_seed", "weight_decay", "focal_gamma", "gold_coef"), 0),
}
RL_KEYS = ("gamma", "ent_coef", "vf_coef", "kl_coef", "samples", "baseline")
MIXED = ("gold_coef", "label_smoothing", "dropout")
OWN_KEYS = {
    "supervised": ("label_smoothing", "class_weights", "class_beta", "focal_gamma"),
    "ppo": (*RL_KEYS, *MIXED, "n_epochs", "clip_range", "gae_lambda"),
    "reinforce": (*RL_KEYS, *MIXED, "feedback_delay"),
    "preference": (*RL_KEYS, "comparisons", "model_learning_rate"),
    "expected_reward": ("gamma", "ent_coef", "kl_coef", *MIXED),
    "minimum_risk": ("gamma", "ent_coef", "kl_coef", *MIXED, "samples", "alpha", "include_gold"),
}
"""The options that only some agents take."""
ABOVE_0 = ("learning_rate", "head_lr_scale", "max_grad_norm", "model_learning_rate")


def check_numbers(arguments: Train) -> None:
    """Refuse numbers that make no run.

    Raises:
        ValueError: a number is out of its range.
    """
    for name, least in LEAST.items():
        value = getattr(arguments, name)
        if value is not None and value < least:
            raise ValueError(f"{_written(name)} must be {least} or more, got {value}")
    for name in ABOVE_0:
        value = getattr(arguments, name)
        if value is not None and not 0 < value < float("inf"):
            raise ValueError(f"{_written(name)} must be above 0, got {value}")


def check_use(arguments: Train) -> None:
    """Refuse options that the agent has no use for, where they were changed.

    Raises:
        ValueError: the agent does not take an option that others do, or not beside another.
    """
    takers: dict[str, list[str]] = {}
    for agent, names in OWN_KEYS.items():
        for name in names:
            takers.setdefault(name, []).append(agent)
    for field in fields(Train):
        known = takers.get(field.name, [arguments.agent])
        if arguments.agent not in known and getattr(arguments, field.name) != field.default:
            raise ValueError(
                f"{_written(field.name)} is for --agent {', '.join(known)}, not {arguments.agent}"
            )
    if arguments.class_beta != Train.class_beta and arguments.class_weights != "effective":
        raise ValueError(
            f"--class-beta is for --class-weights effective, not {arguments.class_weights}"
        )
    if arguments.label_smoothing and arguments.agent != "supervised" and not arguments.gold_coef:
        raise ValueError(
            f"--label-smoothing is of gold labels, and {arguments.agent} learns from them with "
            "--gold-coef only"
        )
    if arguments.focal_gamma and arguments.label_smoothing:
        raise ValueError("--focal-gamma and --label-smoothing cannot both be: leave out one")


def _written(name: str) -> str:
    return f"--{name.replace('_', '-')}"
