"""A tuning episode, for a terminal."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lingym.envs.tuning.env import ParameterTuningEnv

BAR = 10
"""Characters to each side of a parameter's zero."""


def render_tuning(env: "ParameterTuningEnv") -> str:
    """The step, the metric before and now, and one line a parameter."""
    names = env.parameters.names
    width = max(len(name) for name in names)
    assert env.batch is not None
    lines = [
        f"step {env.steps} of {env.horizon}, {len(env.batch)} texts",
        f"metric {env.before:.4f} before, {env.now:.4f} now ({env.now - env.before:+.4f})",
    ]
    for name, value in zip(names, env.values, strict=True):
        lines.append(f"  {name:<{width}}  {value:+7.3f}  {bar(value / env.limit)}")
    return "\n".join(lines)


def bar(share: float) -> str:
    """A line from zero in the middle to a share in -1 .. 1 of its half."""
    size = round(abs(share) * BAR)
    left = "=" * size if share < 0 else ""
    right = "=" * size if share > 0 else ""
    return f"[{left:>{BAR}}|{right:<{BAR}}]"
