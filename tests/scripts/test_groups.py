"""Options by their own names, in groups or not."""

from dataclasses import asdict
from pathlib import Path

import pytest

from lingym.scripts import groups
from lingym.scripts.arguments import Reading
from lingym.scripts.train import Train


def test_every_option_has_one_place() -> None:
    """No two options share a name: neither a study file nor a search could tell them apart."""
    own = {name for name in asdict(Train(out=Path("run"))) if name not in groups.GROUPS}
    inner = [name for kind in groups.GROUPS.values() for name in asdict(kind())]
    assert len(set(inner)) == len(inner)
    assert not own & set(inner)
    assert own | set(inner) == set(groups.HINTS)


def test_options_are_set_where_they_stand() -> None:
    run = Train(out=Path("run"), reading=Reading(labels="slots"))
    other = groups.with_options(run, {"text": "words", "seed": 3, "sentences": 2})
    assert other.reading == Reading(labels="slots", text="words")
    assert (other.seed, other.options.sentences) == (3, 2)
    assert groups.value_of(other, "sentences") == 2
    assert groups.value_of(other, "seed") == 3
    assert run.reading.text is None


def test_an_option_that_there_is_not_is_refused() -> None:
    with pytest.raises(TypeError, match="smaples"):
        groups.with_options(Train(out=Path("run")), {"smaples": 3})


def test_older_runs_have_the_defaults_of_newer_options() -> None:
    saved = {"out": "run", "seed": 3, "reading": {"labels": "slots"}}
    full = groups.completed(saved)
    wanted = asdict(Train(out=Path("run"), seed=3, reading=Reading(labels="slots")))
    assert {**full, "out": Path("run")} == wanted
