"""A guess at how long runs take that nobody has done yet: one batch of one encoder, timed."""

import time
from collections.abc import Iterable
from functools import cache

import torch

from lingym.policies.encoder import load_encoder
from lingym.scripts.bench_encoder_runs import BenchRun

TOKENS, BATCH = 24, 16
"""Tokens of a text, texts of a batch."""
TRAINED = {"full": 1.0, "frozen": 0.05}
"""A learning step of a method over a full one; of all other methods `OTHER`."""
OTHER = 0.8
START = 5.0
"""Seconds to start a process, and to read."""


def trial_seconds(runs: Iterable[BenchRun], threads: int) -> float:
    """About how many seconds these runs take, on texts of 24 tokens."""
    total = 0.0
    for run in runs:
        forward, both = batch_seconds(run.encoder, threads)
        train = run.train
        texts = (train.train_limit or 1000) * run.epochs
        looks = (train.dev_limit or 500) * (run.epochs + 1) + (train.test_limit or 1000)
        share = TRAINED.get(train.tuning.tune or "full", OTHER)
        total += START + (texts * share * both + looks * forward) / BATCH
    return total


@cache
def batch_seconds(encoder: str, threads: int) -> tuple[float, float]:
    """Seconds that a batch takes forward, and forward and backward."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        model = load_encoder(encoder, 1000, TOKENS, pooler=False)
        ids = torch.arange(BATCH * TOKENS).view(BATCH, TOKENS) % 1000

        def forward() -> float:
            began = time.perf_counter()
            with torch.no_grad():
                model(input_ids=ids)
            return time.perf_counter() - began

        def both() -> float:
            began = time.perf_counter()
            model(input_ids=ids).last_hidden_state.sum().backward()
            return time.perf_counter() - began

        forward()
        return min(forward() for _ in range(2)), min(both() for _ in range(2))
    finally:
        torch.set_num_threads(before)
