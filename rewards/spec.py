"""Rewards written as text, as on a command line: ``0.7*entity_f1(dense=True)+0.3*accuracy``."""

import ast
import copy
import inspect
from collections.abc import Callable, Iterable
from dataclasses import fields
from functools import partial
from types import NoneType, UnionType
from typing import Any, get_args

from lingym.rewards import own
from lingym.rewards.accuracy import Accuracy
from lingym.rewards.base import Reward
from lingym.rewards.by_kind import ByKind
from lingym.rewards.constraint import Constrained
from lingym.rewards.corpus import CorpusF1, CorpusMCC, CorpusPrecision, CorpusRecall
from lingym.rewards.cost_matrix import CostMatrix
from lingym.rewards.cross_entropy import CrossEntropy
from lingym.rewards.entity_f1 import EntityF1
from lingym.rewards.exact_match import ExactMatch
from lingym.rewards.f1 import F1
from lingym.rewards.feedback import (
    Abstain,
    Bandit,
    Budget,
    Clicks,
    Counts,
    Delayed,
    Noisy,
    OneScore,
    Preference,
)
from lingym.rewards.function import from_function
from lingym.rewards.length_cost import LengthCost, StepCost
from lingym.rewards.mcc import MCC
from lingym.rewards.multilabel import SampleF1
from lingym.rewards.normalized import Named, Normalized
from lingym.rewards.rouge import Rouge
from lingym.rewards.schedules import SCHEDULES, Schedule, Weight
from lingym.rewards.semeval import RelationF1
from lingym.rewards.squad import SquadF1

_BUILT_IN: tuple[type[Any], ...] = (
    *(Accuracy, ByKind, CrossEntropy, EntityF1, ExactMatch, F1),
    *(CorpusF1, CorpusMCC, CorpusPrecision, CorpusRecall),
    *(RelationF1, Rouge, SampleF1, SquadF1),
    *(CostMatrix, LengthCost, MCC, StepCost),
    *(Abstain, Bandit, Budget, Clicks, Counts, Delayed, Noisy, OneScore, Preference),
    *(Constrained, Named, Normalized),
)
REWARDS: dict[str, type[Any]] = {
    reward.name: reward for reward in sorted(_BUILT_IN, key=lambda kind: str(kind.name))
}
"""The rewards that text can name."""
LONGEST = 1_000_000
"""Characters: a cost matrix is written out in a reward's text."""
SHOWN = 500


def describe() -> dict[str, str]:
    """One line about each reward that text can name."""
    return {name: (kind.__doc__ or "").partition("\n")[0] for name, kind in REWARDS.items()}


def from_spec(text: str) -> Reward:
    """Read a reward from text; ``str(reward)`` gives the text back.

    A name, a name with settings by keyword, sums of these, and products with numbers or with
    weights that change in the run (``linear(1, 0)*accuracy``, ``cosine``, ``step``):
    ``accuracy``, ``f1(average="macro", ignore=("O",))``, ``0.5*(entity_f1+accuracy)``. The text is
    parsed and read, never evaluated. The settings of ``by_kind`` are rewards, one for each kind of
    units: ``by_kind(slot=0.5*entity_f1, intent=0.5*accuracy)``; a kind whose name is no Python name
    is written ``by_kind(**{"sst-2": accuracy})``. A reward around another takes it first:
    ``normalized(entity_f1)``.

    A reward of the user's own is named by its place, ``my_rewards.py:worth`` (in quotes where the
    path has other signs than letters, digits and ``. / ~ - _``: ``"my rewards.py":worth``) or
    ``my_package.rewards:worth``. It is a function (`from_function`), a class of rewards, or a
    reward. That file or module is run, as by an import. A name that is not built in is looked for
    among the entry points ``lingym.rewards`` of the installed packages.

    Raises:
        ValueError: the text is not such an expression; the message has the text and the cause.
    """
    if len(text) > LONGEST:
        raise ValueError(
            f"reward {_short(text)} has {len(text):,} characters: at most {LONGEST:,} are read"
        )
    try:
        reward = _read(own.parsed(text))
    except SyntaxError as error:
        raise ValueError(f"reward {_short(text)} is not an expression: {error.msg}") from error
    except (RecursionError, MemoryError):  # MemoryError: so says the parser
        raise ValueError(f"reward {_short(text)} is nested too deeply") from None
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise ValueError(f"reward {_short(text)}: {own.unmark(str(error))}") from error
    if not isinstance(reward, Reward):
        what = "a weight" if isinstance(reward, Schedule) else "a number"
        raise ValueError(f"reward {text!r} is {what}, not a reward: {_known()}")
    return reward


def _short(text: str) -> str:
    """A text as errors show it."""
    return repr(text) if len(text) <= SHOWN else f"{text[:SHOWN]!r}..."


def _read(node: ast.expr) -> Reward | Weight:
    """The reward, number or schedule that a node of the expression stands for."""
    match node:
        case ast.Name(name) | ast.Call(ast.Name(name)) if name in SCHEDULES:
            return _schedule(name, node)
        case ast.Name(name) | ast.Call(ast.Name(name)):
            return _make(name, node)
        case ast.Subscript() | ast.Call(ast.Subscript()):
            source = own.place_of(node.func if isinstance(node, ast.Call) else node)
            if source is not None:
                return _of_own(own.find(source), node)
        case ast.Constant(int() | float() as number) if not isinstance(number, bool):
            return number
        case ast.UnaryOp(ast.USub(), ast.Constant(int() | float() as number)) if not isinstance(
            number, bool
        ):
            return -number
        case ast.BinOp(left, ast.Add(), right):
            one, other = _read(left), _read(right)
            if isinstance(one, Reward) and isinstance(other, Reward):
                return one + other
            moving = isinstance(one, Schedule) or isinstance(other, Schedule)
            what = "weight" if moving else "number"
            raise ValueError(f"{ast.unparse(node)} adds a {what}: only rewards are added")
        case ast.BinOp(left, ast.Mult(), right):
            one, other = _read(left), _read(right)
            if not isinstance(one, Reward):
                return one * other
            if not isinstance(other, Reward):
                return one * other
            raise ValueError(f"{ast.unparse(node)} multiplies two rewards: weights are numbers")
    raise ValueError(f"{ast.unparse(node)} is no reward, number, sum or product")


def _schedule(name: str, node: ast.expr) -> Schedule:
    """The schedule of a call: its two values by place or by name, the rest by name."""
    kind, such = SCHEDULES[name], f"such as {name}(1, 0)*accuracy"
    args, keywords = (node.args, node.keywords) if isinstance(node, ast.Call) else ([], [])
    known = [field.name for field in fields(kind)]
    if len(args) > 2:
        raise ValueError(f"give the settings of {name} beyond two by name: {_listed(known[2:])}")
    given: dict[str, Any] = dict(zip(known, args, strict=False))
    for keyword in keywords:
        if keyword.arg not in known:
            raise ValueError(f"{name} has no setting {keyword.arg!r}: it has {_listed(known)}")
        if keyword.arg in given:
            raise ValueError(f"{name} is given {keyword.arg} twice")
        given[keyword.arg] = keyword.value
    if len(given.keys() & set(known[:2])) < 2:
        raise ValueError(f"{name} goes from one weight to another, {such}: give both")
    for key, written in given.items():
        try:
            given[key] = ast.literal_eval(written)
        except ValueError:
            raise ValueError(f"{name}: {key} is {ast.unparse(written)}, not a number") from None
    return kind(**given)


def _make(name: str, node: ast.expr) -> Reward:
    """The reward of this name with the settings of the call, if it is one."""
    plugin = own.plugins().get(name)
    if name not in REWARDS:
        if plugin is None:
            raise ValueError(f"unknown reward {name!r}: {_known()}")
        return _of_own(own.load(plugin), node)
    kind = REWARDS[name]
    if plugin is not None:
        raise ValueError(
            f"two rewards are called {name!r}: the built-in {kind.__name__} and {own.told(plugin)}"
        )
    if kind is ByKind:
        return _by_kind(node)
    return kind(**_given(name, kind, node))


def _of_own(thing: object, node: ast.expr) -> Reward:
    """A reward that is not built in, with the settings of the call; it remembers its text."""
    place = ast.unparse(node.func if isinstance(node, ast.Call) else node)
    reward: Reward
    if isinstance(thing, type) and issubclass(thing, Reward):
        reward = thing(**_given(place, thing, node))
    elif isinstance(thing, Reward):
        if isinstance(node, ast.Call) and (node.args or node.keywords):
            raise ValueError(f"{place} is a reward already and takes no settings")
        reward = copy.deepcopy(thing)  # two environments must not share what it learns
    elif callable(thing) and not isinstance(thing, type):
        settings = _given(place, thing, node, by_name=True)
        name = getattr(thing, "__name__", type(thing).__name__)
        reward = from_function(partial(thing, **settings) if settings else thing, name)
    else:
        what = thing.__name__ if isinstance(thing, type) else f"a {type(thing).__name__}"
        raise ValueError(
            f"{place} is {what}: wanted a function of (predicted, gold) or of (labelings), a class "
            "of Reward, or a Reward"
        )
    reward.name = getattr(reward, "name", type(reward).__name__)
    reward._written = own.unmark(ast.unparse(node))
    return reward


def _given(
    name: str, kind: Callable[..., Any], node: ast.expr, by_name: bool = False
) -> dict[str, Any]:
    """The settings that a call gives, checked against what the reward's constructor takes.

    Args:
        name: what the reward is called in the text.
        kind: its class, or a function.
        node: the call, or the bare name.
        by_name: only what must be given by name is a setting; the rest are labels.
    """
    settings = _settings(kind, by_name)
    inside = [key for key, setting in settings.items() if setting.annotation is Reward]
    args, keywords = (node.args, node.keywords) if isinstance(node, ast.Call) else ([], [])
    if len(args) > len(inside):
        plain = [key for key in settings if key not in inside]
        such = f", such as {plain[0]}=..." if plain else ": it has none"
        raise ValueError(f"give the settings of {name} by name{such}")
    given = {key: _inside(name, key, value) for key, value in zip(inside, args, strict=False)}
    for keyword in keywords:
        key, value = keyword.arg, keyword.value
        if key not in settings:
            raise ValueError(f"{name} has no setting {key!r}: it has {_listed(settings)}")
        if key in given:
            raise ValueError(f"{name} is given {key} twice")
        if key in inside:
            given[key] = _inside(name, key, value)
            continue
        try:
            given[key] = ast.literal_eval(value)
        except ValueError:
            written = ast.unparse(value)
            raise ValueError(f"{name}: {key} is {written}, not a plain value") from None
        wanted_type = _mistaken(given[key], settings[key].annotation)
        if wanted_type:
            raise ValueError(f"{name}: {key} is {given[key]!r}, not {wanted_type}")
    wanted = [key for key in settings if settings[key].default is inspect.Parameter.empty]
    missing = [key for key in wanted if key not in given]
    if missing and missing[0] in inside and len(inside) > 1:
        raise ValueError(f"{name} holds {len(inside)} rewards ({_listed(inside)}): give each")
    if missing and missing[0] in inside:
        raise ValueError(f"{name} stands around a reward, such as {name}(accuracy): give one")
    if missing:
        raise ValueError(f"{name} needs {missing[0]}=..., which has no default")
    return given


_PLAIN = {
    bool: "True or False",
    float: "a number",
    int: "a whole number",
    str: "text",
    NoneType: "None",
}


def _mistaken(value: object, annotation: object) -> str:
    """What a setting should be where it is of another type; "" where it is not, or none is known.

    Only the types are looked at that a name alone says, such as ``float`` or ``int | None``.
    """
    kinds = get_args(annotation) if isinstance(annotation, UnionType) else (annotation,)
    if not all(isinstance(kind, type) and kind in _PLAIN for kind in kinds):
        return ""
    fits = type(value) in kinds or (type(value) is int and float in kinds)
    return "" if fits else " or ".join(_PLAIN[kind] for kind in kinds)


def _settings(kind: Callable[..., Any], by_name: bool) -> dict[str, inspect.Parameter]:
    """What a class is made with, or what a function must be given by name."""
    try:
        parameters = inspect.signature(kind, eval_str=True).parameters
    except NameError:  # an annotation that only a type checker can read
        parameters = inspect.signature(kind).parameters
    except ValueError:  # a function written in C
        return {}
    either = inspect.Parameter.POSITIONAL_OR_KEYWORD
    return {
        name: setting
        for name, setting in parameters.items()
        if setting.kind is inspect.Parameter.KEYWORD_ONLY
        or (setting.kind is either and not by_name)
    }


def _inside(name: str, setting: str, node: ast.expr) -> Reward:
    """The reward that a setting of another names."""
    reward = _read(node)
    if not isinstance(reward, Reward):
        raise ValueError(f"{name}: {setting} is {ast.unparse(node)}, not a reward")
    return reward


def _by_kind(node: ast.expr) -> ByKind:
    """The rewards by kind that a call names, or none of them."""
    rewards: dict[str, Reward] = {}
    call = node if isinstance(node, ast.Call) else ast.Call(node, [], [])
    if call.args:
        raise ValueError("give the rewards of by_kind by the kind of units, such as slot=entity_f1")
    for keyword in call.keywords:
        for kind, value in _kinds(keyword):
            reward = _read(value)
            if not isinstance(reward, Reward):
                raise ValueError(f"by_kind: {kind} is {ast.unparse(value)}, not a reward")
            if kind in rewards:
                raise ValueError(f"by_kind has two rewards for {kind}")
            rewards[kind] = reward
    return ByKind(rewards)


def _kinds(keyword: ast.keyword) -> list[tuple[str, ast.expr]]:
    """The kinds that ``kind=...`` or ``**{"kind": ...}`` names."""
    if keyword.arg is not None:
        return [(keyword.arg, keyword.value)]
    named = []
    if isinstance(keyword.value, ast.Dict):
        for key, value in zip(keyword.value.keys, keyword.value.values, strict=True):
            match key:
                case ast.Constant(str(name)):
                    named.append((name, value))
                case _:
                    what = "**" if key is None else ast.unparse(key)
                    raise ValueError(f"by_kind: {what} is not the name of a kind")
        return named
    raise ValueError(f"by_kind: {ast.unparse(keyword.value)} does not name kinds")


def _listed(settings: Iterable[str]) -> str:
    return ", ".join(settings) or "none"


def _known() -> str:
    return f"known are {', '.join(sorted(REWARDS.keys() | own.plugins().keys()))}"
