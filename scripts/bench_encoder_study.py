"""What `lingym bench encoder` runs: data sets and methods, read from a YAML file.

A data set is written as for `lingym bench compare`; a method is options of `lingym train`, and may
have others for its second stage, under ``reinforce``.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lingym.rewards import from_spec
from lingym.scripts.bench_encoder_runs import BenchRun
from lingym.scripts.compare.options import OF_DATA, OF_SPLITS, make_train
from lingym.scripts.compare.passes import reward_of
from lingym.scripts.compare.study import Data, slug
from lingym.scripts.compare.study_parts import named, options, read_data
from lingym.scripts.compare.yaml_marks import Marked, read_yaml

KNOWN = ("name", "about", "seeds", "epochs", "defaults", "reinforce", "data", "methods")
STAGES = ("supervised", "reinforce")


@dataclass(frozen=True)
class Method:
    """One way of training: options of both stages, and those of the second alone."""

    name: str
    options: Mapping[str, Any]
    reinforce: Mapping[str, Any]


@dataclass(frozen=True)
class EncoderStudy:
    """Every method on every data set, with every seed. The first method is the yardstick.

    Attributes:
        name: the table's title.
        about: a sentence on it.
        seeds: of the runs.
        epochs: passes over the training texts, of the supervised stage and of REINFORCE.
        defaults: options of `lingym train` for every run.
        reinforce: options of every second stage; the reward may hold {names} of a data set's.
        data: the data sets.
        methods: the ways of training.
    """

    name: str
    about: str
    seeds: tuple[int, ...]
    epochs: tuple[int, int]
    defaults: Mapping[str, Any]
    reinforce: Mapping[str, Any]
    data: tuple[Data, ...]
    methods: tuple[Method, ...]

    def runs(self, out: Path) -> list[BenchRun]:
        """All runs, each second stage after the first that it goes on from."""
        return [
            self._run(data, method, seed, stage, out)
            for data in self.data
            for seed in self.seeds
            for method in self.methods
            for stage in STAGES
        ]

    def _run(self, data: Data, method: Method, seed: int, stage: str, out: Path) -> BenchRun:
        cell = f"{slug(data.name)}/{slug(method.name)}/s{seed}"
        folder = out / "cells" / cell
        given: dict[str, Any] = {}
        if frozen(method):
            given["feature_cache"] = str(out / "features")
        given |= {**self.defaults, **data.options, **method.options, "metric": data.metric}
        encoder = str(given.get("encoder", "minilm"))
        if stage == "reinforce":
            given |= {**self.reinforce, **method.reinforce}
            given["reward"] = reward_of(str(given["reward"]), data, f"method {method.name!r}")
            for name in ("encoder", "pooling", "history"):  # the first stage brings them
                given.pop(name, None)
            given["warm_start"] = folder / "supervised"
        train = make_train({**given, "agent": stage, "seed": seed}, folder / stage)
        epochs = self.epochs[STAGES.index(stage)]
        needs = f"{cell}/supervised" if stage == "reinforce" else None
        which = (f"{cell}/{stage}", data.name, method.name, seed, stage, epochs)
        return BenchRun(*which, train, encoder, needs)


def frozen(method: Method) -> bool:
    """Whether a method keeps features, and the study does not say where."""
    return method.options.get("tune") == "frozen" and "feature_cache" not in method.options


def read_encoder_study(file: Path, folder: Path) -> EncoderStudy:
    """Read a study, and check it as far as that goes without the data.

    Args:
        file: in YAML.
        folder: that the names of data files begin in.

    Raises:
        ValueError: the file is no study; the message begins ``study.yaml:LINE: ``.
    """
    top = read_yaml(file)
    parts = top.mapping("a study", KNOWN)
    for name in ("name", "seeds", "epochs", "data", "methods"):
        if name not in parts:
            top.fail(f"a study must say its {name}")
    general = {}
    if "defaults" in parts:
        general = options(parts["defaults"].mapping("defaults"), "defaults", ("agent", "reward"))
    reading = {name: value for name, value in general.items() if name in OF_DATA}
    second = {}
    if "reinforce" in parts:
        second = options(parts["reinforce"].mapping("reinforce"), "reinforce", ("agent",))
    data = [read_data(name, inner, reading, folder) for name, inner in _named(parts, "data")]
    methods = [_method(name, inner) for name, inner in _named(parts, "methods")]
    for each in data:
        _check_rewards(each, methods, second, top)
    return EncoderStudy(
        name=parts["name"].text("name"),
        about=parts["about"].text("about") if "about" in parts else "",
        seeds=_whole(parts["seeds"], "seeds", 0),
        epochs=_epochs(parts["epochs"]),
        defaults={name: value for name, value in general.items() if name not in OF_DATA},
        reinforce=second,
        data=tuple(data),
        methods=tuple(methods),
    )


def _named(parts: Mapping[str, Marked], what: str) -> list[tuple[str, Marked]]:
    return list(named(parts[what], what).items())


def _method(name: str, place: Marked) -> Method:
    what = f"method {name!r}"
    own = place.mapping(what)
    after = own.pop("reinforce", None)
    refused = ("agent", "reward", *OF_SPLITS)
    inner = {} if after is None else after.mapping(f"{what}, reinforce")
    return Method(
        name,
        options(own, what, refused),
        options(inner, f"{what}, reinforce", ("agent", *OF_SPLITS)),
    )


def _check_rewards(
    data: Data, methods: Iterable[Method], second: Mapping[str, Any], top: Marked
) -> None:
    """Refuse a reward that there is not, or that names one which the data set has not."""
    if "reward" not in second:
        top.fail("a study must say the reward of reinforce")
    for method in methods:
        reward = {**second, **method.reinforce}["reward"]
        try:
            from_spec(reward_of(str(reward), data, f"method {method.name!r}"))
        except ValueError as error:
            top.fail(str(error))


def _whole(place: Marked, what: str, least: int) -> tuple[int, ...]:
    found = tuple(inner.whole(what, least) for inner in place.items(what))
    if not found or (len(set(found)) < len(found) and what == "seeds"):
        place.fail(f"{what} must be one or more numbers, each once, got {list(found)}")
    return found


def _epochs(place: Marked) -> tuple[int, int]:
    found = _whole(place, "epochs", 1)
    if len(found) != len(STAGES):
        place.fail(f"epochs must be two numbers, supervised and REINFORCE, got {list(found)}")
    return found[0], found[1]
