"""`lingym explain`: why a labeller gave its labels, and what they were worth."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from lingym.reading import parse_json
from lingym.scripts.arguments import Reading

if TYPE_CHECKING:
    from lingym.agents import Labeller
    from lingym.agents.explain import Explainer
    from lingym.envs import Episodes
    from lingym.envs.corpora import Record


@dataclass(frozen=True)
class Explain:
    """Show what the words of a text did for its labels, and what the labels were worth."""

    run_folder: Annotated[Path, tyro.conf.Positional]
    """The run's folder."""
    text: Annotated[str | None, tyro.conf.Positional] = None
    """A text; for tasks that read more than words JSON, such as '{"question": ..., "context": ...}'
    or '["One sentence.", "Two."]'."""
    file: str | None = None
    """A file of texts instead: with gold labels, or with --unlabelled (and .txt) without."""
    unlabelled: bool = False
    """The file has no gold labels, or they are not to be read."""
    reading: Reading = field(default_factory=Reading)
    limit: int = 20
    """Explain the first so many texts of the file."""
    method: Literal[
        "integrated-gradients", "gradient-x-input", "leave-one-out", "rollout", "random"
    ] = "integrated-gradients"
    """How words are scored; integrated gradients need captum: pip install 'lingym[explain]'."""
    of: Literal["log-probability", "logit"] = "log-probability"
    """What of a label is explained."""
    label: str | None = None
    """Explain this label of the units, whether they were given it or not."""
    units: Literal["labelled", "all"] = "labelled"
    """Explain units that are labelled otherwise than O (no, out), or all."""
    blank: Literal["mask", "pad", "unk"] | None = None
    """The token that stands for a word taken away; by default the first that there is."""
    tolerance: float = 0.01
    """Integrated gradients: the relative error of their sum that is let pass."""
    reward: str | None = None
    """Tell what each label was worth to this reward; by default, where there are gold labels, the
    run's own or the task's. "none" leaves it out."""
    against: Literal["best", "gold", "second", "nothing"] = "best"
    """What a label's worth is measured against: the gold label where it is wrong and the next
    choice where it is right; the gold label; the next choice; or O (no, out)."""
    shapley: bool = False
    """Where labels are not worth something apart: Shapley values, not leaving one out."""
    out: Path | None = None
    """Write a page that stands alone, such as page.html."""
    json: bool = False
    """Print one JSON object a text."""
    deletion_test: bool = False
    """Test all methods on the texts instead: take away the words that they say made a label."""
    seed: int = 0
    """Of the random method, of Shapley values, and of the deletion test."""
    device: str = "auto"
    """cpu, cuda, or auto."""

    def run(self) -> None:
        """Print, or write the page.

        Raises:
            ValueError: the options do not fit together, or the run.
        """
        import json
        import sys

        from lingym.agents import Labeller
        from lingym.agents.explain import Explainer
        from lingym.scripts.explain_texts import gather
        from lingym.scripts.explain_words import as_json, told

        if (self.text is None) == (self.file is None):
            raise ValueError('give a text, or --file FILE: lingym explain RUN "text"')
        if self.limit < 1:
            raise ValueError(f"--limit is {self.limit}: wanted 1 or more")
        labeller = Labeller.load(self.run_folder, self.device)
        explainer = Explainer(
            *(labeller.policy, self.method, self.of, self.blank, self.units, self.tolerance),
            seed=self.seed,
        )
        episodes = self.read(labeller)
        if self.deletion_test:
            return self.test(explainer, episodes)
        explained = gather(self, explainer, episodes)
        for each in explained.texts:
            if self.json:
                sys.stdout.write(json.dumps(as_json(each), ensure_ascii=False) + "\n")
            elif self.out is None:
                print(told(each))
        if self.out is not None:
            from lingym.scripts.explain_page import page

            self.out.parent.mkdir(parents=True, exist_ok=True)
            self.out.write_text(page(explained), encoding="utf-8")
            print(f"{len(explained.texts)} texts in {self.out}", file=sys.stderr)
        return None

    def read(self, labeller: "Labeller") -> "Episodes":
        """The texts, with gold labels where the file has them."""
        from lingym.envs.corpora import read_records

        if labeller.task is None:
            raise ValueError(
                f"{self.run_folder} has a task of its user's own: explain it in Python"
            )
        if self.text is not None:
            return labeller.read(labeller.records([self.given(labeller)]), unlabelled=True)
        assert self.file is not None
        plain = self.unlabelled or ".txt" in Path(self.file).suffixes
        options = (
            self.reading.options_without_labels(self.file) if plain else self.reading.options()
        )
        arguments = self.reading.arguments(labeller.task)
        records: list[Record] = list(read_records(self.file, "test", options))
        if plain:
            return labeller.read(records[: self.limit], unlabelled=True, **arguments)
        return labeller.read(records, **arguments)  # all: which scheme tags are of, a few may hide

    def given(self, labeller: "Labeller") -> "str | dict[str, object]":
        """The text of the command line, as the task reads it."""
        assert self.text is not None
        try:
            self.text.encode("utf-8")
        except UnicodeEncodeError:
            raise ValueError(
                "the text holds bytes that are no UTF-8, or half a surrogate pair"
            ) from None
        words = labeller.task in ("tagging", "slots_intent")
        if self.text[:1] in ("{", "[") and not words:
            try:
                found = parse_json(self.text, "the text")
            except ValueError as error:
                if labeller.task in ("classification", "multilabel", "relation"):
                    return {"text": self.text}
                raise ValueError(f"the text is no JSON, though it begins so: {error}") from None
            return found if isinstance(found, dict) else {"sentences": found, "text": found}
        return self.text if words else {"text": self.text}

    def test(self, explainer: "Explainer", episodes: "Episodes") -> None:
        """Print the table of the deletion test."""
        from lingym.agents.explain import deletion_test
        from lingym.scripts.explain_words import table

        rows = range(min(self.limit, len(episodes)))
        found = deletion_test(
            explainer.policy,
            episodes,
            rows=rows,
            seed=self.seed,
            blank=self.blank,
            tolerance=self.tolerance,
        )
        print(table(found, len(rows)))
