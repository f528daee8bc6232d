"""`lingym label-next`: which texts of a file without labels are worth labelling next."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from lingym.scripts.arguments import Reading

if TYPE_CHECKING:
    from lingym.agents import Labeller
    from lingym.envs import Episodes

ADDED = ("score", "where")


@dataclass(frozen=True)
class LabelNext:
    """Pick texts to label next, by what a trained labeller says of them.

    Each text is written as it was read, as one JSON object a line, with the score that it was
    picked by and the place it came from; the first is to be labelled first.
    """

    run_folder: Annotated[Path, tyro.conf.Positional]
    """The run's folder."""
    pool: Annotated[str, tyro.conf.Positional]
    """Texts without labels (labels are not looked at): lines of text (.txt), CoNLL, JSON Lines, or
    a table."""
    n: int = 10
    """How many."""
    how: str = "entropy"
    """random, least-confidence, mnlp, margin, entropy, entropy-mean, bald, density, k-center,
    badge, or a folder that `lingym learn-next` wrote."""
    labelled: str | None = None
    """Texts that have labels already: k-center and a learned way keep away from them, and texts of
    the pool that are among them are left out, which is told."""
    out: Path | None = None
    """The file to write; by default standard output."""
    reading: Reading = field(default_factory=Reading)
    passes: int = 10
    """bald: passes with dropout."""
    seed: int = 0
    """Of what is drawn, of dropout, and of ties."""
    device: str = "auto"
    """cpu, cuda, or auto."""
    base: str | None = None
    """Where the model lies that a part-trained run stands on, if it has moved."""

    def run(self) -> None:
        """Pick and write.

        Raises:
            ValueError: the options do not fit the run or the texts.
        """
        import json
        import sys

        import numpy as np

        from lingym.agents import Labeller
        from lingym.agents.active import View, choose
        from lingym.agents.active.choose import how_of

        if self.n < 1:
            raise ValueError(f"--n is {self.n}: wanted 1 or more")
        if self.seed < 0:
            raise ValueError(f"--seed is {self.seed}: wanted 0 or more")
        how = how_of(self.how)
        labeller = Labeller.load(self.run_folder, self.device, self.base)
        texts = self.read(labeller, self.pool)
        size = len(texts)
        known = np.zeros(0, np.int32)
        if self.labelled is not None:
            told = self.read(labeller, self.labelled)
            there = set(keys(told))
            again = [place for place, key in enumerate(keys(texts)) if key in there]
            if again:
                found = f"{len(again)} of {size} texts of {self.pool} have labels already"
                print(f"{found} in {self.labelled}: left out", file=sys.stderr)
            texts = texts.joined(told)
            known = np.array([*again, *range(size, len(texts))], np.int32)
        if self.n > len(texts) - len(known):
            raise ValueError(
                f"--n is {self.n}, and {self.pool} has {len(texts) - len(known)} texts without a "
                "label"
            )
        view = View(labeller.policy, texts, passes=self.passes, seed=self.seed)
        picked = choose(view, known, self.n, how, np.random.default_rng(self.seed))
        lines = []
        for row, score in zip(picked.rows.tolist(), picked.scores.tolist(), strict=True):
            record = texts.examples[row].record
            if taken := [name for name in ADDED if name in record]:
                raise record.error(f"the text has a field {taken[0]!r} already: rename it")
            fields = {**record.fields, "score": score, "where": record.where()}
            lines.append(json.dumps(fields, ensure_ascii=False, default=str) + "\n")
        if self.out is None:
            sys.stdout.writelines(lines)
            return
        self.out.parent.mkdir(parents=True, exist_ok=True)
        self.out.write_text("".join(lines), encoding="utf-8")
        print(f"{len(lines)} of {size} texts in {self.out}, by {self.how}", file=sys.stderr)

    def read(self, labeller: "Labeller", file: str) -> "Episodes":
        """Texts without their gold labels, as the labeller reads them.

        Raises:
            ValueError: the labeller's task is its user's own, or the file has no text.
        """
        from lingym.envs.corpora import read_records

        if labeller.task is None:
            raise ValueError(
                f"{self.run_folder} has a task of its user's own: use lingym.agents.active"
            )
        options = self.reading.options_without_labels(file)
        unread = {"labels", "scheme", "on_fault", "oracle", "references"}  # gold: not looked at
        reading = replace(self.reading, **dict.fromkeys(unread))
        columns: dict[str, Any] = reading.arguments(labeller.task)
        records = list(read_records(file, "test", options))
        if not records:
            raise ValueError(f"{file} has no text")
        return labeller.read(records, unlabelled=True, **columns)


def keys(texts: "Episodes") -> list[bytes]:
    """What tells texts apart: their tokens, and the unit each belongs to."""
    import numpy as np

    from lingym.policies.feature_cache import text_keys

    found: list[bytes] = []
    for start in range(0, len(texts), 256):
        rows = np.arange(start, min(start + 256, len(texts)), dtype=np.int32)
        found += text_keys(texts.batch(rows))[0]
    return found
