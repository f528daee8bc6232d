"""Whether the parts of a study fit each other, and whether each of its runs is one that can be."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from lingym.rewards.spec import from_spec
from lingym.scripts.compare.choose import grid_points
from lingym.scripts.compare.options import fitting
from lingym.scripts.compare.passes import passes_of, run_of_arm
from lingym.scripts.compare.study import Arm, Data, Study
from lingym.scripts.compare.tuned import check_tuning
from lingym.scripts.compare.yaml_marks import Marked, near
from lingym.scripts.train import Train
from lingym.scripts.train_check import check_numbers, check_use

Places = Mapping[str, Marked]


def check(study: Study, parts: Places) -> None:
    """Refuse a study that names what it does not have, or that has a run which cannot be.

    Args:
        study: as it was read.
        parts: the tables of its file.

    Raises:
        ValueError: in words that begin with the file and the line.
    """
    arms, sets = parts["arms"].mapping("arms"), parts["data"].mapping("data")
    if study.tune_seeds is not None and study.tune_seeds > len(study.seeds):
        parts["tune_seeds"].fail(f"tune_seeds is {study.tune_seeds}, of {len(study.seeds)} seeds")
    for arm in study.arms:
        _check_arm(arm, study, arms[arm.name])
    first = study.arms[0]
    left_out = [data.name for data in study.data if first not in study.arms_on(data.name)]
    if first.of or left_out:
        why = "has no training of its own" if first.of else f"is not run on {', '.join(left_out)}"
        arms[first.name].fail(
            f"the first arm is the one that all others are compared with, and {first.name!r} {why}"
        )
    if study.shares is not None:
        _check_shares(study, parts["shares"].mapping("shares"))
    for name in study.defaults:
        agents = {str(arm.options.get("agent")) for arm in study.arms if arm.of is None}
        if not any(name in fitting({name: 0}, agent) for agent in sorted(agents | {"supervised"})):
            place = parts["defaults"].mapping("defaults")[name]
            place.fail(f"defaults: no arm's agent has a use for {name}")
    for data in study.data:
        _check_runs(study, data, sets[data.name], arms)


def _check_arm(arm: Arm, study: Study, place: Marked) -> None:
    """The names that an arm says."""
    parts = place.mapping("arm")
    if arm.only is not None:
        _known(arm.only, [data.name for data in study.data], "data set", parts["only"])
    if arm.of is None:
        return
    trained = {one.name: one for one in study.arms if one.of is None}
    _known((arm.of,), trained, "arm with training", parts["of"])
    for data in study.data:
        on = study.arms_on(data.name)
        if arm in on and trained[arm.of] not in on:
            place.fail(f"arm {arm.name!r} is run on {data.name!r}, and {arm.of!r} is not")
        if arm in on:
            try:
                check_tuning(data, arm)
            except ValueError as error:
                parts["tune"].fail(str(error))


def _check_shares(study: Study, parts: Places) -> None:
    """The names that the label-efficiency curve says."""
    shares = study.shares
    assert shares is not None
    _known(shares.of, [data.name for data in study.data], "data set", parts["of"])
    _known(shares.arms, [arm.name for arm in study.arms], "arm", parts["arms"])
    for name in shares.arms:
        base = study.arm_named(name).of
        if base is not None and base not in shares.arms:
            parts["arms"].fail(f"shares: {name!r} takes the runs of {base!r}: name it as well")


def _check_runs(study: Study, data: Data, place: Marked, arms: Places) -> None:
    """Every run on one data set, as `lingym train` would look at it."""
    parts = place.mapping("data")
    of_arms = parts["arms"].mapping("arms") if "arms" in parts else {}
    trained = [arm for arm in study.arms_on(data.name) if arm.of is None]
    for name, inner in of_arms.items():
        _known((name,), [arm.name for arm in trained], "arm with training on it", inner)
        for key, value in inner.mapping(name).items():
            if key in study.arm_named(name).grid:
                value.fail(f"arm {name!r} has {key} in its grid: leave it out here")
    shared = any(arm.start == "warm" for arm in trained)
    for arm in (*([None] if shared else []), *trained):
        nearer = {} if arm is None else _inside(arms[arm.name], of_arms.get(arm.name))
        otherwise = place if arm is None else arms[arm.name]
        if passes_of(study, data, arm) < 1:
            words = "warm" if arm is None else "more"
            place.fail(f"data set {data.name!r} must say {words}, the passes of its runs")
        for point in [{}] if arm is None else grid_points(arm):
            try:
                run = run_of_arm(study, data, arm, point, Path())
                _check_run(run, arm)
            except ValueError as error:
                who = f"data set {data.name!r}, " + (f"arm {arm.name!r}" if arm else "warm start")
                _at(str(error), nearer, parts, otherwise).fail(f"{who}: {error}")


def _check_run(run: Train, arm: Arm | None) -> None:
    """One run; errors begin with the option that they are about."""
    check_numbers(run)
    check_use(run)
    run.reading.arguments(run.task)
    run.options.arguments(run.task)
    run.options.abstaining()
    if arm is not None and arm.start == "warm" and run.encoder is not None:
        raise ValueError("--encoder is the warm start's: say it in defaults, or for the data set")
    if run.reward is not None:
        if run.agent == "supervised":
            raise ValueError("--reward means nothing to supervised learning")
        try:
            from_spec(run.reward)
        except ValueError as error:
            raise ValueError(f"--reward: {error}") from error


def _inside(arm: Marked, own: Marked | None) -> dict[str, Marked]:
    """The places of an arm's options: a data set's own, the grid's, the arm's."""
    parts = arm.mapping("arm")
    grid = parts["grid"].mapping("grid") if "grid" in parts else {}
    return {**parts, **grid, **(own.mapping("arm") if own else {})}


def _at(message: str, nearer: Places, parts: Places, otherwise: Marked) -> Marked:
    """The place that an error is about, by the option that it begins with."""
    for places in (nearer, parts):
        for name, place in places.items():
            if message.startswith(f"--{name.replace('_', '-')} ") or (
                name == "reward" and message.startswith(("--reward", "data set"))
            ):
                return place
    return otherwise


def _known(names: Collection[str], known: Collection[Any], what: str, place: Marked) -> None:
    """Refuse a name that is not among those known."""
    for name in names:
        if name not in known:
            place.fail(f"there is no {what} {name!r}{near(name, known)}")
