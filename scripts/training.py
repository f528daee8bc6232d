"""A training run from its arguments to its folder."""

import shutil
from collections.abc import Callable
from contextlib import ExitStack, suppress
from typing import Any

import numpy as np
import torch
from stable_baselines3.common.callbacks import BaseCallback

from lingym.agents import (
    PPO,
    REINFORCE,
    ExpectedReward,
    Labeller,
    MinimumRisk,
    PreferenceLearning,
    Supervised,
    evaluate,
)
from lingym.agents.alike import same_tokens
from lingym.agents.callbacks import DevCallback, Measurement
from lingym.agents.episodic import EpisodicAlgorithm
from lingym.agents.evaluate import check_metric
from lingym.agents.log_position import log_position
from lingym.agents.schedules import warmup_linear
from lingym.envs import Dataset, LabelVectorEnv
from lingym.envs.tokenizer import load_tokenizer
from lingym.hub import TINY
from lingym.policies import (
    LabelPolicy,
    ResidualPolicy,
    load_heads,
    read_settings,
    saved_policy,
    trained_parameters,
)
from lingym.policies.save import kept_verbaliser
from lingym.scripts.alone import alone
from lingym.scripts.going_on import going_on, keeping
from lingym.scripts.little import begin_head, head_arguments, split_of
from lingym.scripts.options_determinism import in_one_order
from lingym.scripts.reward_state import resume_reward, save_reward
from lingym.scripts.run_folder import begin_run, refuse_ended, refuse_old_run, write_json
from lingym.scripts.run_folder import say as say
from lingym.scripts.signals import Stop
from lingym.scripts.train import Train
from lingym.scripts.train_check import OWN_KEYS
from lingym.scripts.training_cost import begin_memory, cost
from lingym.scripts.training_data import begun_from, encoder
from lingym.scripts.training_data import read as read
from lingym.scripts.training_data import task_and_corpus as task_and_corpus
from lingym.scripts.training_data import used as used
from lingym.types import LabelSpace

AGENTS: dict[str, Any] = {
    "preference": PreferenceLearning,
    "supervised": Supervised,
    "ppo": PPO,
    "reinforce": REINFORCE,
    "expected_reward": ExpectedReward,
    "minimum_risk": MinimumRisk,
}


Watch = Callable[[Measurement], None]
"""Called with each measurement on dev; what it raises ends the run."""


@in_one_order
def train(
    arguments: Train,
    watch: Watch = lambda _: None,
    score_test: bool = True,
    dataset: Dataset | None = None,
    begin: Callable[[EpisodicAlgorithm], None] = lambda _: None,
    resume: bool = False,
    stop: Stop | None = None,
) -> dict[str, Any]:
    """Do the run that the arguments describe.

    Args:
        arguments: the options of `lingym train`.
        watch: called with each measurement on dev; an exception of its own ends the run.
        score_test: score the test split, if there is one; a search over options must not.
        dataset: what `read` gives for the arguments, if it is at hand.
        begin: called with the agent before it learns.
        resume: go on with the run that the folder holds, which has these arguments.
        stop: whether the run is asked to stop, which it then does with `RunStopped`.

    Returns:
        What stands in ``metrics.json``: dev and test metrics and the cost of training.

    Raises:
        ValueError: another process works on the run, or the folder holds another one.
    """
    with ExitStack() as held:
        return _train(arguments, watch, score_test, dataset, begin, resume, stop, held)


def _train(
    arguments: Train,
    watch: Watch,
    score_test: bool,
    dataset: Dataset | None,
    begin: Callable[[EpisodicAlgorithm], None],
    resume: bool,
    stop: Stop | None,
    held: ExitStack,
) -> dict[str, Any]:
    """The run, with its folder `held` as soon as there is one."""
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    if resume:
        held.enter_context(alone(arguments.out))
        refuse_ended(arguments.out)  # by a process that held it until now
    else:
        refuse_old_run(arguments.out)
    dataset = read(arguments) if dataset is None else dataset
    texts = dataset[split_of(arguments, dataset)]
    zero_shot = arguments.little.zero_shot
    if zero_shot and arguments.episodes is not None:
        raise ValueError("--episodes means nothing with --zero-shot, which does not train")
    agent = make_agent(arguments, dataset)
    held.callback(close_log, agent)
    episodes = 0 if zero_shot else arguments.episodes or 3 * len(texts)
    say(f"{len(texts)} training texts, {labels_of(dataset.space)}, on {agent.device}")
    trained, every = trained_parameters(agent.policy)
    say(f"tune {agent.policy.tune}: {trained:,} of {every:,} parameters are trained")
    dev = None if zero_shot else dev_callback(arguments, dataset, episodes, watch)
    if arguments.warm_start is not None and arguments.agent != "supervised":
        told = resume_reward(agent.label_env.reward, arguments.warm_start)
        if told:
            say(told)
    agent.guard = arguments.guard.guard(arguments.out, say)
    begin(agent)
    if not resume:
        arguments.out.mkdir(parents=True, exist_ok=True)
        held.enter_context(alone(arguments.out))
        refuse_old_run(arguments.out)  # one that began while this one read its texts
        begin_run(arguments.out, arguments)
    begin_memory(agent.device)
    stop = Stop() if stop is None else stop
    kept = keeping(arguments, stop)
    state = going_on(arguments, kept) if resume else None
    if not zero_shot:
        callbacks: list[BaseCallback] = [*([dev] if dev else []), kept]
        with stop.waiting():
            agent.learn(
                total_episodes=None if state else episodes,
                callback=callbacks,
                tb_log_name=arguments.agent,
                progress_bar=arguments.progress,
                resume=state,
            )
        log_position(agent.logger)  # lies on the disk before there is a file that says it is all
    spent = cost(agent.policy)  # before the test split is read
    seconds = kept.spent - kept.seconds - (dev.evaluation_seconds if dev else 0.0)
    labeller = Labeller(
        agent.policy,
        arguments.task,
        dataset.tokenizer,
        arguments.max_tokens,
        arguments.overflow,
        dataset.task.saved(),
    )
    labeller.save(arguments.out / "model")
    if arguments.agent != "supervised":
        save_reward(arguments.out, agent.label_env.reward)
    scored = score_test and "test" in dataset.splits
    own = () if arguments.metric is None else (arguments.metric,)
    metrics: dict[str, Any] = {
        "dev": dev.best.metrics if dev and dev.best and arguments.keep_best else {},
        "test": evaluate(agent.policy, dataset["test"], also=own) if scored else {},
        "training": {
            "episodes": agent.num_episodes,
            "steps": agent.num_timesteps,
            "seconds": round(seconds, 3),
            "steps_per_second": round(agent.num_timesteps / max(seconds, 1e-9), 1),
            **spent,
        },
    }
    if dev and not arguments.keep_best:
        metrics["dev"] = dev.curve[-1].metrics
    if zero_shot and "dev" in dataset.splits:
        metrics["dev"] = evaluate(agent.policy, dataset["dev"], also=own)
    if dev:
        metrics["curve"] = [vars(point) for point in dev.curve]
    if dev and dev.alarms:
        metrics["alarms"] = dev.alarms.raised
    if agent.guard.skipped:
        metrics["training"]["skipped"] = agent.guard.skipped
    write_json(arguments.out / "metrics.json", metrics)
    shutil.rmtree(kept.folder, ignore_errors=True)  # the run has ended
    for split in ("dev", "test"):
        if metrics[split]:
            say(f"{split}: " + ", ".join(f"{k} {v:.4f}" for k, v in metrics[split].items()))
    say(f"saved in {arguments.out}")
    return metrics


def close_log(agent: EpisodicAlgorithm) -> None:
    """End TensorBoard's thread and file, which stay with the process otherwise."""
    if hasattr(agent, "_logger"):  # it has learned
        with suppress(OSError):  # a full disk, which was told already
            agent.logger.close()


def policy_class(arguments: Train, dataset: Dataset) -> tuple[type[LabelPolicy], dict[str, Any]]:
    """The class of the policy, and what it begins from.

    Raises:
        ValueError: an encoder was asked for that reads other tokens than the labeller.
    """
    folder = begun_from(arguments)
    if folder is None:
        return LabelPolicy, {"encoder": encoder(arguments)}
    if arguments.warm_start is not None:
        return saved_policy(folder, read_settings(folder), arguments.tuning.base)
    name = arguments.encoder
    if name not in (None, TINY) and not same_tokens(load_tokenizer(name), dataset.tokenizer):
        raise ValueError(
            f"--encoder {name} reads other tokens than the labeller {arguments.fusion.residual}: "
            "leave it out, or take a labeller that was trained on it"
        )
    return ResidualPolicy, {"residual": str(folder), "encoder": name}


def make_agent(arguments: Train, dataset: Dataset) -> EpisodicAlgorithm:
    """The agent, with the warm start's weights if there is one."""
    folder = begun_from(arguments)
    kind, begun = policy_class(arguments, dataset)
    kept = {"pooling": "first", "history": "none", "constrained": None}
    blanks: dict[str, Any] = {}
    if folder is not None:
        settings = read_settings(folder)
        kept = {name: settings[name] for name in kept}
        blanks = kept_verbaliser(settings)
        if arguments.history not in (None, kept["history"]):
            kept["constrained"] = None
    asked = {name: getattr(arguments, name) for name in kept}
    reinforcing = arguments.agent != "supervised"
    rate = arguments.learning_rate or (5e-5 if reinforcing and folder else 1e-4)
    if arguments.feedback_delay and arguments.agent != "reinforce":
        raise ValueError(f"--feedback-delay is for --agent reinforce, not {arguments.agent}")
    split = split_of(arguments, dataset)
    env = LabelVectorEnv(dataset=dataset, split=split, reward=arguments.reward)
    own = {name: getattr(arguments, name) for name in OWN_KEYS[arguments.agent]}
    agent: EpisodicAlgorithm = AGENTS[arguments.agent](
        kind,
        env,
        learning_rate=warmup_linear(rate, arguments.warmup),
        n_steps=arguments.rollout,
        batch_size=arguments.batch_size,
        max_grad_norm=arguments.max_grad_norm,
        robust=arguments.robust.settings(),
        policy_kwargs={
            **begun,
            "head_lr_scale": arguments.head_lr_scale,
            "weight_decay": arguments.weight_decay,
            "autocast": arguments.autocast,
            "attention_dropout": arguments.attention_dropout,
            **arguments.tuning.arguments(),
            **{name: begun[name] for name in ("base",) if name in begun},  # --base is among them
            **(blanks or head_arguments(arguments, dataset)),
            **{name: kept[name] if value is None else value for name, value in asked.items()},
        },
        tensorboard_log=str(arguments.out / "tensorboard"),
        seed=arguments.seed,
        device=arguments.device,
        **{name: value for name, value in own.items() if value is not None},
    )
    if folder is not None and arguments.warm_start is not None:
        load_heads(agent.policy, folder)
    begin_head(arguments, agent, dataset)
    return agent


def dev_callback(
    arguments: Train, dataset: Dataset, episodes: int, watch: Watch = lambda _: None
) -> DevCallback | None:
    """What measures the run on dev, if there is a dev split."""
    if "dev" not in dataset.splits:
        if arguments.patience is not None:
            raise ValueError("--patience needs a dev split: give --dev FILE")
        return None
    metric = arguments.metric or dataset.task.metric(dataset.space)
    known = metric_names(dataset)
    check_metric(metric, known, dataset.space)  # now, and not when a run has begun
    if metric not in known:
        say(f"metric {metric}: a reward, as a measure of the corpus or its mean over texts")

    def tell(now: Measurement) -> None:
        share = f"{now.episodes:>7}/{episodes} texts"
        say(f"{share}  {now.seconds:6.0f} s  dev {metric} {now.metrics[metric]:.4f}")
        watch(now)

    return DevCallback(
        dataset["dev"],
        metric,
        every=arguments.eval_every or max(1, episodes // 10),
        patience=arguments.patience,
        keep_best=arguments.keep_best,
        tell=tell,
        alarms=arguments.guard.alarms(
            begun_from(arguments) is not None and arguments.agent != "supervised", say
        ),
    )


def metric_names(dataset: Dataset) -> tuple[str, ...]:
    """What can be measured on the dev split.

    Raises:
        ValueError: it has texts without gold labels.
    """
    dev = dataset["dev"]
    if not dev.labelled:
        raise ValueError("the dev split has texts without gold labels: nothing to measure")
    gold = dev.gold_of(np.arange(len(dev)), dev.max_units)
    return tuple(dataset.task.metrics(dev.complete(gold), dataset.space))


def labels_of(space: LabelSpace) -> str:
    """What there is to choose from, for the person who watches."""
    if space.form == "text":
        return f"{len(space.roles)} candidate labels"
    return f"{len(space)} labels" if len(space) else "candidates as labels"
