"""`lingym data check`: what is wrong with labelled files, before a model learns it."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

from lingym.scripts.arguments import Reading, TaskName


@dataclass(frozen=True)
class DataCheck:
    """Look for repeats, leaks, contradictions, faults, odd texts and suspicious labels.

    Exit status: 0; 1 where a file has a fault for which `lingym train` refuses it, with --strict
    also where a text of one split stands in another, or has several gold labellings. Standard error
    then says which.
    """

    files: Annotated[tuple[str, ...], tyro.conf.Positional] = ()
    """Files without a role: repeats between them are looked for, too."""
    train: str | None = None
    """File of the training split; here and below as for lingym train."""
    dev: str | None = None
    """File of the dev split."""
    test: str | None = None
    """File of the test split."""
    task: TaskName = "tagging"
    """What the units and the labels are."""
    reading: Reading = field(default_factory=Reading)
    near: float = 0.8
    """Texts with this Jaccard similarity or more are near repeats; 0 looks for none."""
    near_of: Literal["characters", "words"] = "characters"
    """Similarity of what: runs of 5 characters, or of 3 words (much faster on long texts)."""
    near_search: Literal["exact", "minhash"] = "exact"
    """How near repeats are found: all of them, or (for very many texts) those that MinHash
    proposes, which may miss one that is barely near."""
    encoder: str = "minilm"
    """Whose tokens are counted: minilm, tiny, a folder, a Hugging Face Hub name, or none."""
    max_tokens: int = 256
    """Tokens to a window, special tokens among them."""
    suspects: Path | None = None
    """Write the training texts with suspicious labels here (JSON Lines), for you to look through
    and for lingym data clean. It trains --folds labellers: minutes to hours."""
    folds: int = 4
    """With --suspects: every text is judged by a labeller trained on the other folds."""
    passes: float | None = None
    """With --suspects: how often each of these labellers sees its texts; 2 times by default, with
    --tune frozen 20."""
    tune: str = "full"
    """With --suspects: what of the encoder these labellers train, as for lingym train. frozen is
    much faster: a text is encoded once, and not again in a later check."""
    seed: int = 0
    """With --suspects: of folds and training."""
    out: Path | None = None
    """Write the whole report here, as JSON."""
    strict: bool = False
    """Exit with status 1 also for leaks and contradictions."""

    def run(self) -> None:
        """Print the report."""
        from lingym.scripts.hygiene.checked import Sought, check
        from lingym.scripts.hygiene.reading import parts_of, read_files
        from lingym.scripts.hygiene.words import told
        from lingym.scripts.run_folder import write_json

        if not 0 <= self.near <= 1:
            raise ValueError(f"--near is {self.near}: wanted 0 (none) to 1")
        if self.suspects is not None and self.train is None:
            raise ValueError("--suspects looks at training texts: give --train FILE")
        for name in ("folds", "passes", "tune", "seed"):
            if self.suspects is None and getattr(self, name) != getattr(type(self), name):
                raise ValueError(f"--{name} is of --suspects FILE, which is not given")
        for file in (self.suspects, self.out):
            if file is not None and not file.parent.is_dir():
                raise ValueError(f"{file}: there is no folder {file.parent}")
        named = parts_of(self.files, train=self.train, dev=self.dev, test=self.test)
        files = read_files(named, self.task, self.reading)
        encoder = None if self.encoder == "none" else self.encoder
        report = check(
            files,
            Sought(self.near or None, self.near_of, self.near_search, encoder, self.max_tokens),
        )
        if self.suspects is not None:
            from lingym.scripts.hygiene.suspects import Folds, find, write

            folds = Folds(
                *(self.folds, self.passes, self.encoder, self.max_tokens, self.seed),
                tune=self.tune,
            )
            found = find(files, folds)
            write(found, self.suspects)
            report["suspects"] = {
                "texts": len(found),
                "of": len(files.parts["train"].examples),
                "folds": self.folds,
                "first": [vars(each) for each in found[:20]],
            }
        if self.out is not None:
            write_json(self.out, report)
        print(*told(report), sep="\n")
        failed = self.failures(report)
        if failed:
            print(f"Exit status 1: {'; '.join(failed)}", file=sys.stderr)
            sys.exit(1)

    def failures(self, report: Mapping[str, Any]) -> list[str]:
        """Why the exit status is 1; nothing where it is 0."""
        from lingym.scripts.compare.wording import plural

        faults = report["faults"]["all"]
        if self.reading.on_fault == "repair":
            faults = [fault for fault in faults if not fault["repairable"]]
        if faults:
            return [f"{plural(len(faults), 'row')} that lingym train refuses"]
        if not self.strict:
            return []
        found = []
        for pair, counts in report["repeats"]["between"].items():
            if pair in ("train dev", "train test", "dev test") and counts["exact"]:
                first, second = pair.split()
                texts = plural(counts["exact"], "text")
                found.append(f"{texts} of {second} also in {first}")
        contradictions = report["contradictions"]["texts"]
        if contradictions:
            found.append(f"{plural(contradictions, 'text')} with more than one gold labelling")
        return found
