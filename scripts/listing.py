"""`lingym envs` and `lingym rewards`: what there is to choose from."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Envs:
    """List the environments."""

    def run(self) -> None:
        """One line an environment: its id and what it is."""
        import gymnasium
        from gymnasium.envs.registration import load_env_creator

        import lingym
        from lingym.envs.tasks import TASKS

        specs = [s for s in gymnasium.registry.values() if s.namespace == lingym.__name__]
        width = max(len(spec.id) for spec in specs)
        for spec in sorted(specs, key=lambda spec: spec.id):
            task = TASKS.get(spec.kwargs.get("kind", ""))
            entry: Any = task or load_env_creator(str(spec.entry_point))
            print(f"{spec.id:<{width}}  {(entry.__doc__ or spec.id).splitlines()[0]}")


@dataclass(frozen=True)
class Rewards:
    """List the rewards, and how to combine them."""

    def run(self) -> None:
        """One line a reward: its name with its arguments, and what it is."""
        from lingym.rewards import REWARDS, describe, own

        for name, text in describe().items():
            print(f"{name}({_settings(REWARDS[name])})\n    {text}")
        for name, entry in own.plugins().items():
            try:
                if name in REWARDS:
                    raise ValueError("its name is that of a built-in reward, so neither is found")
                found: Any = own.load(entry)
                text = (found.__doc__ or "no description").partition("\n")[0]
                settings = _settings(found) if isinstance(found, type) else ""
                print(f"{name}({settings})\n    {text}\n    {own.told(entry)}")
            except ValueError as error:
                print(f"{name}\n    cannot be used: {error}\n    {own.told(entry)}")
        print('\nCombine them: --reward "0.7*entity_f1(dense=True)+0.3*accuracy"')
        print("Your own: --reward my_rewards.py:worth (docs/rewards/your-own.md)")


def _settings(kind: type[Any]) -> str:
    """What a reward is made with, as one would write it."""
    from inspect import Parameter, signature

    either = (Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY)
    return ", ".join(
        name if setting.default is Parameter.empty else f"{name}={setting.default!r}"
        for name, setting in signature(kind).parameters.items()
        if setting.kind in either
    )
