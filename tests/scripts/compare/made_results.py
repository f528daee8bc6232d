"""Results of studies that nobody ran, in the format of results.json."""

import random

ARMS = (
    ("supervised", "warm", "supervised"),
    ("supervised, class weights", "warm", "supervised"),
    ("supervised, tuned thresholds", None, None),
    ("supervised, then PPO", "warm", "ppo"),
    ("supervised, then REINFORCE", "warm", "reinforce"),
    ("RL from bandit feedback", "nothing", "reinforce"),
    ("minimum risk", "warm", "expected"),
    ("supervised, then REINFORCE with a self-critical baseline", "warm", "reinforce"),
    ("RL from scratch", "nothing", "ppo"),
)
NAMES = (
    *("snips", "conll2003", "wnut17", "ncbi_disease", "sst2", "financial_phrasebank"),
    *("goemotions", "semeval2010_task8", "squad_v1_by_article", "scitldr", "atis", "ud_english"),
    *("ag_news", "imdb", "resume_ner"),
)
SPANS = ("snips", "conll2003", "wnut17", "ncbi_disease")
METRICS = {
    "sst2": "accuracy",
    "financial_phrasebank": "macro_f1",
    "goemotions": "sample_f1",
    "scitldr": "rouge",
}
LABELS = ("<html>", "B & b", "日本語", 'a "quoted"|label', "[x](http://example.org)", "émotion")


EXAMPLE = {"row": 7, "split": "train", "of": 3, "similarity": 0.85, "exact": False}
REPEATS = {
    **{"near_from": 0.8, "train_dev": {"exact": 3, "near": 1}},
    **{"train_test": {"exact": 12, "near": 20}, "dev_test": {"exact": 0, "near": 0}},
    **{"test_rows_repeated": [*range(32)], "test_repeats": [EXAMPLE] * 32},
    "examples": [{**EXAMPLE, "text": "play <b>jazz</b>", "repeats": "Play <b>jazz!</b>"}],
    **{"made_of": "ab12", "seconds": 0.2},
}


def verdict_of(low, high):
    return "better" if low > 0 else "worse" if high < 0 else "no difference seen"


def made_results(data=10, arms=6, seeds=3, full=True):
    """Results as complete as a study's are; not `full`: one without all that a study may lack."""
    chance = random.Random(0)
    names, arms, seeds = NAMES[:data], ARMS[:arms], list(range(seeds))
    reference = arms[0][0]
    results = {
        "study": {
            "name": "small",
            "about": "Is reinforcement after supervised training better than as much more of it?",
            "seeds": seeds,
            "text": "name: small\nseeds: [0, 1, 2]\ndata:\n  snips: {labels: '<slots>'}\n",
        },
        "made": {
            "time": "2026-11-22 15:00",
            "commit": "0123abc",
            "versions": {"python": "3.11.9", "torch": "2.13.0"},
            "machines": [{"cpu": "AMD EPYC", "cores": 2, "gpu": None}],
        },
        "reference": reference,
        "cells": {"planned": 400, "done": 400 if full else 390},
        "looks": {"first": data * arms.__len__() * len(seeds), "again": [], "intact": True},
        "arms": [
            {"name": n, "about": "", "start": s, "agent": a, "tries": 3 if a else 0}
            for n, s, a in arms
        ],
        "commands": {},
    }
    parts = ("data", "scores", "differences", "across", "curves", "efficiency", "labels", "errors")
    results |= {part: [] for part in (*parts, "tries")}
    for name in names:
        base = chance.uniform(0.35, 0.9)
        metric = METRICS.get(name, "entity_f1")
        warm = chance.choice([4000, 6000])
        repeats = dict(REPEATS)
        results["data"].append(
            {
                "name": name,
                "about": f"{name}: 1,500 of its training texts",
                "metric": metric,
                "task": "tagging",
                "texts": {"train": 1500, "dev": 800, "test": 700},
                "warm": warm,
                "more": warm // 2,
                "repeats": repeats if full and name in ("snips", "goemotions") else None,
            }
        )
        for number, (arm, start, agent) in enumerate(arms):
            gain = chance.gauss(0.006, 0.009) if number else 0.0
            gain -= chance.uniform(0.05, 0.4) if start == "nothing" else 0
            gain = max(gain, -base * 0.8)
            each = [base + gain + chance.gauss(0, 0.006) for _ in seeds]
            test, half = sum(each) / len(each), chance.uniform(0.006, 0.014)
            chosen = {"learning_rate": chance.choice([2e-5, 5e-5, 1e-4])} if agent else {}
            slow = 1 + number * 0.4
            results["scores"].append(
                {
                    **{"data": name, "arm": arm, "chosen": chosen, "dev": test + 0.01},
                    **{"test": test, "seeds": each, "low": test - half, "high": test + half},
                    **{"seconds": 70.4 * slow, "passes_forward": 9000 * slow},
                    **{"passes_backward": 9000, "tokens": 210_000 * slow},
                    **{"peak_memory_mb": 1480.5 + 90 * number, "others": {"macro_f1": test - 0.1}},
                }
            )
            if number:
                half = chance.uniform(0.003, 0.012)
                low, high = gain - half, gain + half
                without = {
                    **{"mean": gain - 0.001, "low": low - 0.002, "high": high - 0.002},
                    **{"verdict": verdict_of(low - 0.002, high - 0.002), "items_left": 668},
                }
                results["differences"].append(
                    {
                        **{"data": name, "arm": arm, "against": reference, "mean": gain},
                        **{"low": low, "high": high, "p": 0.01, "p_corrected": 0.04},
                        **{"seeds": [gain + 0.001 * s for s in seeds]},
                        **{"verdict": verdict_of(low, high)},
                        "poi": {"mean": 0.5 + gain, "low": 0.4, "high": 0.9} if full else None,
                        "without_repeats": without if name == "snips" and full else None,
                    }
                )
            for seed in seeds if agent else ():
                begin = 0.0 if start == "nothing" else base - 0.03
                end = base + gain + 0.01 + chance.gauss(0, 0.003)
                points = [
                    {
                        "texts": n * 500,
                        "tokens": n * 11_000 * slow + seed * 30,
                        "seconds": n * 8.5 * slow + seed * 0.1,
                        "metric": begin + (end - begin) * (1 - 0.45**n) + chance.gauss(0, 0.002),
                    }
                    for n in range(7)
                ]
                warm_points = [
                    {
                        **{"texts": n * 1500, "tokens": n * 32_500, "seconds": n * 15.0},
                        "metric": (base - 0.03) * (1 - 0.3**n) / (1 - 0.3**4),
                    }
                    for n in range(5)
                ]
                before = {"tokens": 130_000, "seconds": 60.0, "points": warm_points}
                before = before if start == "warm" else None
                results["curves"].append(
                    {
                        **{"data": name, "arm": arm, "seed": seed, "chosen": chosen},
                        **{"points": points, "start": before},
                    }
                )
                for rate in (2e-5, 5e-5, 1e-4):
                    cell = f"{name}/s{seed}/{arm.replace(' ', '-')}/learning_rate={rate:g}"
                    command = f"lingym train --task tagging --seed {seed} --learning-rate {rate}"
                    results["commands"][cell] = f"{command} --labels '<slots>' --agent {agent}"
            for rate in (2e-5, 5e-5, 1e-4) if agent else ():
                dev = [test + 0.01 + chance.gauss(0, 0.004) for _ in seeds]
                results["tries"].append(
                    {
                        **{"data": name, "arm": arm, "settings": {"learning_rate": rate}},
                        **{"dev_mean": sum(dev) / len(dev), "dev_seeds": dev},
                        "chosen": chosen["learning_rate"] == rate,
                    }
                )
            if full and number in (0, 4) and name in ("snips", "goemotions", "conll2003"):
                for share in (0.01, 0.05, 0.2, 1.0):
                    mean = base * (0.4 + 0.6 * share**0.2) + gain * (2 - share)
                    results["efficiency"].append(
                        {
                            **{"data": name, "arm": arm, "share": share, "mean": mean},
                            **{"gold_texts": int(1500 * share)},
                            **{"low": mean - 0.02, "high": mean + 0.02},
                        }
                    )
            if full and number in (3, 4):
                for n in range(24 if name in ("snips", "goemotions") else 6):
                    count = int(4000 / (n + 1) ** 1.7) if n < 22 else 0
                    f1 = max(base - 0.02 * n, 0.05)
                    up = chance.gauss(0.01 + 0.002 * n, 0.02)
                    half = 0.01 + 0.004 * n
                    results["labels"].append(
                        {
                            **{"data": name, "arm": arm, "train_count": count},
                            **{"label": LABELS[n] if n < 6 else f"label {n}"},
                            **{"f1_reference": f1, "f1": f1 + up},
                            **{"low": up - half, "high": up + half},
                        }
                    )
            if full and name in SPANS and number in (0, 3, 4):
                counts = {"right": 900, "missed": 90, "spurious": 70, "type": 60, "boundary": 40}
                counts["both"] = 9
                errors = {
                    k: v * (1 + chance.gauss(-0.1, 0.1) * bool(number)) for k, v in counts.items()
                }
                results["errors"].append({"data": name, "arm": arm, **errors})
    for number, (arm, *_) in enumerate(arms):
        of = [s["test"] for s in results["scores"] if s["arm"] == arm]
        iqm = sum(of) / len(of)
        told = [d["verdict"] for d in results["differences"] if d["arm"] == arm]
        results["across"].append(
            {
                **{
                    "arm": arm,
                    "iqm": iqm,
                    "low": iqm - 0.01,
                    "high": iqm + 0.012,
                    "data": len(names),
                },
                "improvement": {"mean": 0.64, "low": 0.52, "high": 0.75} if number else None,
                **{"better": told.count("better"), "worse": told.count("worse")},
                "none": told.count("no difference seen"),
            }
        )
    return results
