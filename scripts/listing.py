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
        from dataclasses import fields

        from lingym.rewards import REWARDS, describe

        rows = {}
        for name, text in describe().items():
            settings = [f"{f.name}={f.default!r}" for f in fields(REWARDS[name]) if f.init]
            rows[f"{name}({', '.join(settings)})"] = text
        for form, text in rows.items():
            print(f"{form}\n    {text}")
        print('\nCombine them: --reward "0.7*entity_f1(dense=True)+0.3*accuracy"')
