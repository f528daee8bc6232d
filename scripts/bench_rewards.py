"""What every reward costs beside the training step that asks for it."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from lingym.agents import REINFORCE
from lingym.agents.update_parts import repeat
from lingym.envs import LabelVectorEnv, build, load_corpus
from lingym.envs.game import Game
from lingym.envs.tasks import TASKS
from lingym.policies import LabelPolicy
from lingym.rewards import Reward, from_function, from_spec
from lingym.scripts.bench_speed import Seconds, Speed, quotients

SAMPLES = 4
LIMIT = 2.0
"""Per cent of a training step that a reward should cost at the most."""

SPECS: dict[str, tuple[str, ...]] = {
    "tagging": (
        *("accuracy", "cross_entropy", "exact_match", "mcc", "cost_matrix", "length_cost"),
        *("step_cost", "f1", "f1(average='macro', dense=True)"),
        *("entity_f1", "entity_f1(dense=True)", "entity_f1(dense=True, match='partial')"),
        *("corpus_f1", "corpus_f1(dense=True)", "corpus_precision", "corpus_recall", "corpus_mcc"),
        "linear(1, 0)*accuracy+linear(0, 1)*entity_f1",
        *("named(entity_f1, called='spans')", "normalized(entity_f1)"),
        "constrained(corpus_precision, corpus_recall, at_least=0.9)",
        *("bandit", "one_score(entity_f1)", "counts", "clicks", "noisy(bandit)"),
        *("delayed(accuracy)", "budget(bandit)"),
    ),
    "multilabel": ("sample_f1", "sample_f1(dense=True)", "corpus_f1(average='macro')"),
    "spanqa": ("squad_f1",),
    "summary": ("rouge", "rouge(dense=True)"),
    "relation": ("relation_f1", "corpus_f1(average='macro')"),
    "slots_intent": ("by_kind(slot=0.5*entity_f1, intent=0.5*accuracy)",),
}
"""The rewards that are timed, each on a task that it is made for."""


def overlap(predicted: list[str], gold: list[str]) -> float:
    """A user's plain function of label strings, to see what one costs."""
    return sum(p == g for p, g in zip(predicted, gold, strict=True)) / len(gold)


class Costs:
    """Clocks of a training step of each task, and of scoring its labelings by each reward.

    The scored labelings are those of the step: `SAMPLES` of each text of a minibatch.
    """

    def __init__(self, arguments: Speed, device: torch.device) -> None:
        self.scenes = {task: Scene(task, specs, arguments, device) for task, specs in SPECS.items()}

    def clocks(self) -> dict[str, Callable[[], float]]:
        """What to time."""
        clocks: dict[str, Callable[[], float]] = {}
        for task, scene in self.scenes.items():
            clocks[f"{task}: step"] = scene.step
            for name in scene.rewards:
                clocks[f"{task}: {name}"] = scene.scoring(name)
        return clocks

    def ratios(self, seconds: Seconds) -> dict[str, list[float]]:
        """By task and reward, its share of the training step in every round."""
        return {
            f"{task}: {name}": quotients(seconds[f"{task}: {name}"], seconds[f"{task}: step"])
            for task, scene in self.scenes.items()
            for name in scene.rewards
        }

    def table(self, seconds: Seconds) -> str:
        """The rewards, what a call costs, and its share of a training step."""
        shares = self.ratios(seconds)
        width = max(len(name) for name in shares)
        head = f"{'reward, by task':<{width}}  {'ms':>7}  {'of a step':>9}   range"
        lines = [head]
        for name, share in shares.items():
            taken = 1000 * float(np.median(seconds[name]))
            low, middle, high = 100 * np.quantile(share, [0, 0.5, 1])
            over = "  over the limit" if middle > LIMIT else ""
            lines.append(
                f"{name:<{width}}  {taken:7.2f}  {middle:8.2f}%   {low:.2f} to {high:.2f}%{over}"
            )
        return "\n".join(lines)


class Scene:
    """A task with its policy, a minibatch, and the labelings that a step would score."""

    def __init__(
        self, task: str, specs: tuple[str, ...], arguments: Speed, device: torch.device
    ) -> None:
        size = arguments.batch_size
        few = load_corpus(corpus=f"{TASKS[task].corpus}?train={size}&dev=1&test=1")
        dataset = build(TASKS[task](), few, arguments.encoder, arguments.max_tokens)
        self.dataset = dataset
        self.agent: Any = REINFORCE(
            LabelPolicy,
            LabelVectorEnv(dataset=dataset),
            samples=SAMPLES,
            batch_size=size,
            policy_kwargs={"encoder": arguments.encoder, "autocast": arguments.autocast},
            seed=arguments.seed,
            device=device,
        )
        self.agent.learn(0, log_interval=None)  # sets up what a step logs to
        self.batch = dataset["train"].batch(np.arange(len(dataset["train"])))
        policy = self.agent.policy
        with torch.no_grad():
            distribution = policy.distribution(
                policy.features(policy.texts(self.batch)), self.batch
            )
            labels = distribution.sample(SAMPLES, self.agent._generator)
        self.labels = labels.reshape(-1, labels.shape[-1]).cpu().numpy().astype(np.int32)
        self.repeated = repeat(self.batch, SAMPLES)
        self.rewards = {spec: self._bound(from_spec(spec)) for spec in specs}
        if task == "tagging":
            self.rewards["a function of strings"] = self._bound(from_function(overlap))

    def _bound(self, reward: Reward) -> Game:
        return Game(self.dataset["train"], reward, 1)

    def step(self) -> float:
        """One update of REINFORCE on the minibatch; seconds."""
        self._wait()
        began = time.perf_counter()
        loss, _ = self.agent.loss(self.batch)
        optimizer = self.agent.policy.optimizer
        optimizer.zero_grad()
        loss.backward()
        self.agent._step([w for group in optimizer.param_groups for w in group["params"]], {})
        self._wait()
        return time.perf_counter() - began

    def scoring(self, name: str) -> Callable[[], float]:
        """All that a step asks of a reward: the steps, the parts to log, and to take note."""
        game = self.rewards[name]

        def clock() -> float:
            repeats = 5  # one scoring is too short to time
            began = time.perf_counter()
            for _ in range(repeats):
                game.play(self.repeated, self.labels, observe=False)
                labelings = self.repeated.complete(self.labels)
                if type(game.reward).parts is not Reward.parts:
                    game.reward.parts(labelings)
                game.reward.observe(labelings)
            return (time.perf_counter() - began) / repeats

        return clock

    def _wait(self) -> None:
        if self.agent.device.type == "cuda":
            torch.cuda.synchronize(self.agent.device)
