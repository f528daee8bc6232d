"""How many summaries a second ROUGE scores, beside the package rouge-score; no test.

Run ``python -m tests.rewards.rouge_rate FILE.jsonl.xz``: one document a line, with ``sentences``
and ``references``.
"""

import json
import lzma
import sys
from collections.abc import Callable, Sequence
from time import process_time

import numpy as np

from lingym.rewards import References


def rouge_rates(
    documents: Sequence[Sequence[str]],
    references: Sequence[Sequence[str]],
    batch: int = 32,
    seconds: float = 1.0,
    share: float | None = 0.3,
) -> dict[str, float]:
    """Summaries a second of CPU time, in turns within one process.

    Args:
        documents: of each document the sentences.
        references: of each document the reference summaries.
        batch: summaries that ours scores in one call; theirs scores them one by one.
        seconds: CPU time for each.
        share: of the sentences are in a summary, by chance; None: one sentence.

    Returns:
        ``ours`` and ``theirs``, summaries a second; ``ratio``; ``build``, seconds that counting the
        references took, once.
    """
    from rouge_score.rouge_scorer import RougeScorer

    rng = np.random.default_rng(0)
    chosen = np.zeros((len(documents), max(map(len, documents))), np.bool_)
    for row, document in zip(chosen, documents, strict=True):
        if share is None:
            row[rng.integers(len(document))] = True
        else:
            row[: len(document)] = rng.random(len(document)) < share
    texts = [
        " ".join(sentence for sentence, taken in zip(document, row, strict=False) if taken)
        for document, row in zip(documents, chosen, strict=True)
    ]
    began = process_time()
    counted = References.of(documents, references)
    build = process_time() - began
    scorer = RougeScorer(["rouge1", "rouge2", "rougeL"])

    def ours(turn: int) -> int:
        rows = np.arange(turn * batch, (turn + 1) * batch) % len(documents)
        counted.scores(chosen[rows], rows)
        return batch

    def theirs(turn: int) -> int:
        row = turn % len(documents)
        scorer.score_multi(references[row], texts[row])
        return 1

    ours(0)  # warm
    rates = {"ours": _rate(ours, seconds), "theirs": _rate(theirs, seconds)}
    return rates | {"ratio": rates["ours"] / rates["theirs"], "build": build}


def _rate(score: Callable[[int], int], seconds: float) -> float:
    done, turn, began = 0, 0, process_time()
    while (spent := process_time() - began) < seconds:
        done += score(turn)
        turn += 1
    return done / spent


def main(path: str) -> None:
    """Print the rates for single sentences, some sentences and whole documents."""
    with lzma.open(path, "rt", newline="\n") as lines:
        records = [json.loads(line) for line in lines]
    documents, references = ([r[column] for r in records] for column in ("sentences", "references"))
    for share in (None, 0.3, 1.0):
        for batch in (32, 128):
            rates = rouge_rates(documents, references, batch, share=share)
            shown = ", ".join(f"{name} {value:.4g}" for name, value in rates.items())
            print(f"share {share}, batch {batch}: {shown}")


if __name__ == "__main__":
    main(sys.argv[1])
