"""How a benchmark says what it measured, on what, and with which versions."""

import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

from lingym.scripts.bench_speed import CORPUS, Speed

PACKAGES = (
    *("lingym", "torch", "stable-baselines3", "gymnasium", "transformers", "tokenizers"),
    *("numpy", "seqeval"),
)

RATES = {
    "sb3_steps_per_second": "stock Stable-Baselines3 PPO",
    "ppo_steps_per_second": "lingym PPO, the same episodes",
    "ppo_long_rollout_steps_per_second": "lingym PPO, each text once, longer rollout",
    "ppo_samples_steps_per_second": "lingym PPO, 4 labelings, longer rollout",
    "supervised_words_per_second": "supervised",
    "reinforce_words_per_second": "REINFORCE, texts' words",
    "env_labels_per_second": "environment, the task's reward",
    "env_accuracy_dense_labels_per_second": "environment, accuracy(dense)",
    "env_entity_f1_dense_labels_per_second": "environment, entity_f1(dense)",
    "entity_f1_sentences_per_second": "entity F1, sentences",
    "seqeval_sentences_per_second": "seqeval, sentences",
}

RATIOS = {
    "ppo_over_sb3": "PPO over stock, the same episodes, speed",
    "ppo_long_rollout_over_sb3": "PPO, each text once, over stock, speed",
    "ppo_samples_over_sb3": "PPO, 4 labelings, longer, over stock, speed",
    "ppo_cost_over_its_passes": "PPO over 4 plain passes + 1 forward, time",
    "reinforce_over_supervised_cost": "REINFORCE over supervised, time",
    "reinforce_over_pass_without_dropout": "REINFORCE over a pass without dropout, time",
    "entity_f1_over_seqeval": "entity F1 over seqeval, speed",
}


def facts(arguments: Speed, device: torch.device) -> dict[str, Any]:
    """The settings, machine and versions of a measurement."""
    settings = asdict(arguments) | {"train": arguments.train or CORPUS}
    del settings["json"]
    gpu = torch.cuda.get_device_name(device) if device.type == "cuda" else None
    machine = {
        "cpu": cpu_model(),
        "cores": os.cpu_count(),
        "torch_threads": torch.get_num_threads(),
        "device": device.type,
        "gpu": gpu,
        "load_before": os.getloadavg()[0],
        "system": platform.platform(),
    }
    versions = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    return {"settings": settings, "machine": machine, "versions": versions}


def cpu_model() -> str:
    """The processor's name, as the system gives it."""
    listing = Path("/proc/cpuinfo")
    if listing.is_file():
        for line in listing.read_text("utf-8").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine()


def table(
    figures: Mapping[str, float], ratios: Mapping[str, Sequence[float]], known: Mapping[str, Any]
) -> str:
    """The figures as text: rates, then ratios with the range of the rounds."""
    machine = known["machine"]
    lines = [
        f"{machine['gpu'] or machine['cpu']}, {machine['cores']} cores, "
        f"{machine['torch_threads']} torch threads, load {machine['load_before']:.1f}",
        "",
        f"{'a second':<46}{'median':>14}",
    ]
    lines += [
        f"{words:<46}{rate(figures[name]):>14}" for name, words in RATES.items() if name in figures
    ]
    lines += ["", f"{'ratio within a round':<46}{'median':>14}   range"]
    for name, words in RATIOS.items():
        if name in ratios:
            low, high = min(ratios[name]), max(ratios[name])
            lines.append(f"{words:<46}{figures[name]:>14.2f}   {low:.2f} to {high:.2f}")
    return "\n".join(lines)


def rate(value: float) -> str:
    """A rate with as many digits as are of use."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"
