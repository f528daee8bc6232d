"""What the demo does: three runs, a table, and a picture."""

import shutil
from pathlib import Path
from typing import Any

from lingym.scripts.demo import Demo
from lingym.scripts.picture import draw_curves
from lingym.scripts.train import Train
from lingym.scripts.training import say, train

COLUMNS = ("entity_f1", "precision", "recall", "accuracy")


def demonstrate(demo: Demo) -> dict[str, dict[str, Any]]:
    """Train the warm start, PPO from it, and the supervised control from it.

    Returns:
        The metrics of each run by its name.
    """
    for name in ("supervised", "ppo", "supervised-longer"):
        if (demo.out / name / "config.json").exists():
            shutil.rmtree(demo.out / name)
    start = demo.out / "supervised"
    say("1/3  supervised: cross-entropy on gold labels")
    runs = {
        "supervised": train(
            Train(
                out=start,
                agent="supervised",
                corpus=demo.corpus,
                encoder=demo.encoder,
                episodes=demo.supervised_episodes,
                learning_rate=demo.learning_rate,
                eval_every=demo.supervised_episodes // 5,
                seed=demo.seed,
            )
        )
    }
    say(f"2/3  PPO from there, rewarded by {demo.reward}")
    runs["supervised, then PPO"] = train(
        Train(
            out=demo.out / "ppo",
            agent="ppo",
            corpus=demo.corpus,
            reward=demo.reward,
            warm_start=start,
            learning_rate=demo.learning_rate / 10,
            n_epochs=2,
            rollout=192,
            episodes=demo.further_episodes,
            eval_every=demo.further_episodes // 3,
            seed=demo.seed,
        )
    )
    say("3/3  the control: supervised learning from there, on the same texts as often")
    runs["supervised, then more of it"] = train(
        Train(
            out=demo.out / "supervised-longer",
            agent="supervised",
            corpus=demo.corpus,
            warm_start=start,
            learning_rate=demo.learning_rate / 4,
            episodes=2 * demo.further_episodes,
            eval_every=2 * demo.further_episodes // 3,
            seed=demo.seed,
        )
    )
    print(table(runs))
    picture = demo.out / "learning-curves.png"
    draw_curves(runs, picture, before="supervised")
    print(f"\nlearning curves: {picture}\nlabel a text:    {hint(start.parent / 'ppo')}")
    return runs


def table(runs: dict[str, dict[str, Any]]) -> str:
    """The test metrics of runs, one row a run."""
    width = max(len(name) for name in runs)
    head = "  ".join(f"{column:>9}" for column in (*COLUMNS, "seconds"))
    lines = [f"\n{'on test':<{width}}  {head}"]
    for name, metrics in runs.items():
        scores = "  ".join(f"{metrics['test'][column]:>9.4f}" for column in COLUMNS)
        lines.append(f"{name:<{width}}  {scores}  {metrics['training']['seconds']:>9.0f}")
    return "\n".join(lines)


def hint(run: Path) -> str:
    """A command to try next."""
    return f'echo "play jordan in chicago" | lingym predict {run}'
