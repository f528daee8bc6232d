"""The data sets and arms of a study file, each by itself."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, get_args

from lingym.envs.tuning.parameters import KINDS
from lingym.scripts.compare.options import FILES, KNOWN, OF_SPLITS, OF_STUDY, converted
from lingym.scripts.compare.prepare import NAMED
from lingym.scripts.compare.study import Arm, Data, Start, slug
from lingym.scripts.compare.yaml_marks import Marked, near

CUT = ("dev_from_train", "test_from_train")
"""Splits that are the last of the training texts."""
OF_FILE = ("about", "metric", "rewards", "warm", "more", "arms", *CUT, "cut_seed")
"""What a data set says beside options of `lingym train`."""
OF_ARM = ("about", "start", "grid", "of", "tune", "only")
"""What an arm says beside them."""


def named(place: Marked, what: str) -> dict[str, Marked]:
    """The tables of a table; no two names are the same as parts of a path.

    Raises:
        ValueError: there are none, or a name cannot be a folder's, or is another's folder.
    """
    found = place.mapping(what)
    if not found:
        place.fail(f"{what} names none")
    taken: dict[str, str] = {}
    for name, inner in found.items():
        short = slug(name)
        if short in ("", "warm"):
            inner.fail(f"{what}: {name!r} cannot be a name: its folder would be called {short!r}")
        if short in taken:
            inner.fail(f"{what}: {name!r} and {taken[short]!r} would have one folder, {short}")
        taken[short] = name
    return found


def options(
    parts: Mapping[str, Marked], what: str, refused: Collection[str] = ()
) -> dict[str, Any]:
    """Options of `lingym train` in their types.

    Args:
        parts: by their names.
        what: has them, for errors.
        refused: options that do not belong there.

    Raises:
        ValueError: there is no such option, it does not belong there, or its value is wrong.
    """
    found = {}
    for name, place in parts.items():
        if name in OF_STUDY:
            place.fail(f"{what} cannot say {name}: {OF_STUDY[name]}")
        if name not in KNOWN:
            place.fail(f"{what}: lingym train has no option {name!r}{near(name, KNOWN)}")
        if name in refused:
            where = "a data set" if name in OF_SPLITS else "an arm"
            place.fail(f"{what} cannot say {name}: that is for {where} to say")
        try:
            found[name] = converted(name, place.value())
        except ValueError as error:
            place.fail(f"{what}: {error}")
    return found


def read_data(name: str, place: Marked, general: Mapping[str, Any], folder: Path) -> Data:
    """One data set.

    Args:
        name: of it.
        place: its table.
        general: options of how to read that all data sets have.
        folder: where the names of files begin.
    """
    what = f"data set {name!r}"
    parts = place.mapping(what)
    own = {key: inner for key, inner in parts.items() if key not in OF_FILE}
    read = {**general, **options(own, what, ("agent", "reward"))}
    for needed in ("task", "metric"):
        if needed not in parts and needed not in read:
            place.fail(f"{what} must say its {needed}")
    if read["task"] == "multitask":
        place.fail(f"{what}: a study has each data set by itself, not multitask")
    for key in FILES:
        if key in read and read[key] is None:
            place.fail(f"{what}: {key} must be a text, got null: leave it out where there is none")
        is_named = str(read.get(key)).startswith(NAMED)
        if key == "corpus" and key in read and not is_named:
            place.fail(f"{what}: corpus must be {'NAME or '.join(NAMED)}NAME, got {read[key]!r}")
        elif key in read and not is_named:
            read[key] = str(folder / read[key])
    _check_splits(read, parts, place, what)
    rewards = parts["rewards"].mapping(f"{what}, rewards") if "rewards" in parts else {}
    arms = parts["arms"].mapping(f"{what}, arms") if "arms" in parts else {}
    by_arm = {}
    for arm, inner in arms.items():
        who = f"{what}, arm {arm!r}"
        by_arm[arm] = options(inner.mapping(who), who, ("agent", *OF_SPLITS))
    return Data(
        name=name,
        options=read,
        metric=parts["metric"].text(f"{what}, metric"),
        rewards={key: inner.text(f"reward {key}") for key, inner in rewards.items()},
        warm=parts["warm"].whole(f"{what}, warm", 0) if "warm" in parts else 0,
        more=parts["more"].whole(f"{what}, more", 0) if "more" in parts else 0,
        arms=by_arm,
        **{key: parts[key].whole(f"{what}, {key}", 1) for key in CUT if key in parts},
        cut_seed=parts["cut_seed"].whole(f"{what}, cut_seed", 0) if "cut_seed" in parts else None,
        about=parts["about"].text(f"{what}, about") if "about" in parts else "",
    )


def _check_splits(
    read: Mapping[str, Any], parts: Mapping[str, Marked], place: Marked, what: str
) -> None:
    """Refuse a data set that has not all three splits, or has one twice."""
    for cut in CUT:
        split = cut.partition("_")[0]
        if cut in parts and (split in read or "train" not in read):
            parts[cut].fail(f"{what}: {cut} wants a train file, and no {split}")
    if "cut_seed" in parts and not set(CUT) & set(parts):
        parts["cut_seed"].fail(f"{what}: cut_seed wants one of {', '.join(CUT)}")
    if "corpus" in read:
        return
    if "train" not in read:
        place.fail(f"{what} has no train texts: say train, or corpus")
    for split in ("test", "dev"):
        if split not in read and f"{split}_from_train" not in parts:
            place.fail(f"{what} has no {split} texts: say {split}, {split}_from_train or corpus")


def read_arm(name: str, place: Marked) -> Arm:
    """One arm."""
    what = f"arm {name!r}"
    parts = place.mapping(what)
    own = {key: inner for key, inner in parts.items() if key not in OF_ARM}
    tuned = [key for key in ("of", "tune") if key in parts]
    if tuned == ["tune"] and parts["tune"].text("tune").split("+")[0] not in KINDS:
        own["tune"], tuned = parts["tune"], []  # what of the encoder a run trains
    about = parts["about"].text(f"{what}, about") if "about" in parts else ""
    only = None
    if "only" in parts:
        only = tuple(inner.text(f"{what}, only") for inner in parts["only"].items("only"))
    if tuned:
        if len(tuned) < 2:
            place.fail(f"{what} has {tuned[0]} alone: say of (an arm) and tune (what)")
        for key in parts:
            if key not in ("of", "tune", "only", "about"):
                parts[key].fail(f"{what} has no training of its own: leave out {key}")
        tune = parts["tune"].text("tune")
        for kind in tune.split("+"):
            if kind not in KINDS:
                parts["tune"].fail(f"{what}: nothing to tune is called {kind!r}{near(kind, KINDS)}")
        return Arm(name, of=parts["of"].text("of"), tune=tune, only=only, about=about)
    for needed in ("start", "agent"):
        if needed not in parts:
            place.fail(f"{what} must say its {needed}")
    start = parts["start"].value()
    if start not in get_args(Start):
        parts["start"].fail(f"{what}, start must be {' or '.join(get_args(Start))}, got {start!r}")
    grid = _grid(parts["grid"], what, own) if "grid" in parts else {}
    return Arm(name, start, options(own, what, OF_SPLITS), grid, only=only, about=about)


def _grid(place: Marked, what: str, own: Collection[str]) -> dict[str, tuple[Any, ...]]:
    """The values to try of each option."""
    grid = {}
    for name, inner in place.mapping(f"{what}, grid").items():
        if name in own:
            inner.fail(f"{what} has {name} both fixed and in its grid")
        each = inner.items(f"{what}, grid, {name}")
        refused = ("agent", *OF_SPLITS)
        values = [options({name: one}, f"{what}, grid", refused)[name] for one in each]
        if not values or len({repr(value) for value in values}) < len(values):
            inner.fail(f"{what}, grid: {name} must have one or more values, each once")
        grid[name] = tuple(values)
    return grid
