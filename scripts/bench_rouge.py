"""`lingym bench rouge`: summaries scored a second, beside the package rouge-score."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

CORPUS = "synthetic:abstracts"


@dataclass(frozen=True)
class RougeRate:
    """Measure the ROUGE reward beside rouge-score (`pip install rouge-score`), in turns.

    Both score the same summaries: subsets of the sentences of documents. Ours are scored in
    batches, as a reward is asked for; rouge-score knows only one at a time. Single sentences are
    remembered once they are scored, so the middle rows say more.
    """

    data: str = CORPUS
    """Documents with sentences and references, JSON Lines, or a generated corpus (its train
    split)."""
    batch: int = 128
    """Summaries to a call: texts of a minibatch times samples of each."""
    rounds: int = 5
    """Rounds that count; one more comes first."""
    texts: int = 512
    """Summaries of a round."""
    seed: int = 0
    """Of the chosen sentences."""

    def run(self) -> None:
        """Print rates and their ratio for single sentences, some sentences and whole documents.

        Raises:
            ValueError: the two disagree on a summary, or rouge-score is not installed.
        """
        import numpy as np

        from lingym.envs import ExtractiveSummary
        from lingym.envs.corpora import read_records
        from lingym.rewards import References
        from lingym.scripts.bench_speed import measure, quotients

        task = ExtractiveSummary(sentences=None, oracle="given")
        records = read_records(self.data, "train")
        examples = [task.example(record) for record in records]
        documents = [example.units for example in examples]
        references = [task.reference_texts(example.record) for example in examples]
        counted = References.of(documents, references)
        random = np.random.default_rng(self.seed)
        rows = random.integers(len(documents), size=self.texts)
        print(f"{len(documents)} documents of {self.data}, {self.batch} summaries to a call")
        print(f"{'summaries':<22}{'ours/s':>10}{'rouge-score/s':>15}{'ratio':>8}  rounds")
        for share, name in ((0.0, "one sentence"), (0.3, "30 % of sentences"), (1.0, "all")):
            chosen = np.zeros((self.texts, max(map(len, documents))), np.bool_)
            for place, row in enumerate(rows):
                size = len(documents[row])
                chosen[place, :size] = random.random(size) < share
                if not chosen[place].any():
                    chosen[place, random.integers(size)] = True
            ours, found = self._ours(counted, chosen, rows)
            theirs, wanted = self._theirs(documents, references, chosen, rows)
            seconds = measure({"ours": ours, "theirs": theirs}, self.rounds)
            if not np.array_equal(np.concatenate(found), np.array(wanted)):
                raise ValueError(f"{name}: ours and rouge-score differ")
            ratios = quotients(seconds["theirs"], seconds["ours"])
            rates = [self.texts / statistics.median(seconds[side]) for side in ("ours", "theirs")]
            spread = f"{min(ratios):.0f} to {max(ratios):.0f}"
            shown = f"{rates[0]:>10.0f}{rates[1]:>15.0f}{statistics.median(ratios):>8.0f}"
            print(f"{name:<22}{shown}  {spread}")

    def _ours(self, counted: Any, chosen: Any, rows: Any) -> tuple[Callable[[], float], list[Any]]:
        """A clock of our scoring, and where its scores go."""
        found: list[Any] = []

        def clock() -> float:
            found.clear()
            began = time.perf_counter()
            for start in range(0, len(rows), self.batch):
                some = slice(start, start + self.batch)
                found.append(counted.scores(chosen[some], rows[some]))
            return time.perf_counter() - began

        return clock, found

    def _theirs(
        self, documents: Any, references: Any, chosen: Any, rows: Any
    ) -> tuple[Callable[[], float], list[Any]]:
        """A clock of rouge-score's, and where its scores go."""
        try:
            from rouge_score.rouge_scorer import RougeScorer
        except ImportError:
            raise ValueError("rouge-score is not installed: pip install rouge-score") from None
        texts = [
            " ".join(s for s, taken in zip(documents[row], flags, strict=False) if taken)
            for row, flags in zip(rows, chosen, strict=True)
        ]
        scorer = RougeScorer(["rouge1", "rouge2", "rougeL"])
        wanted: list[Any] = []

        def clock() -> float:
            wanted.clear()
            began = time.perf_counter()
            scores = [
                scorer.score_multi(references[row], text)
                for row, text in zip(rows, texts, strict=True)
            ]
            seconds = time.perf_counter() - began
            wanted.extend([score[kind].fmeasure for kind in scorer.rouge_types] for score in scores)
            return seconds

        return clock, wanted
