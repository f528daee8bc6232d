"""Rewards written as text, as on a command line: ``0.7*entity_f1(dense=True)+0.3*accuracy``."""

import ast
from collections.abc import Iterable
from dataclasses import MISSING, fields
from typing import Any

from lingym.rewards.accuracy import Accuracy
from lingym.rewards.base import Reward
from lingym.rewards.by_kind import ByKind
from lingym.rewards.cross_entropy import CrossEntropy
from lingym.rewards.entity_f1 import EntityF1
from lingym.rewards.exact_match import ExactMatch
from lingym.rewards.f1 import F1
from lingym.rewards.feedback import Bandit, OneScore
from lingym.rewards.multilabel import SampleF1
from lingym.rewards.rouge import Rouge
from lingym.rewards.semeval import RelationF1
from lingym.rewards.squad import SquadF1

REWARDS: dict[str, type[Any]] = {
    reward.name: reward
    for reward in (
        *(Accuracy, ByKind, CrossEntropy, EntityF1, ExactMatch, F1),
        *(RelationF1, Rouge, SampleF1, SquadF1),
        *(Bandit, OneScore),
    )
}
"""The rewards that text can name."""


def describe() -> dict[str, str]:
    """One line about each reward that text can name."""
    return {name: (kind.__doc__ or "").partition("\n")[0] for name, kind in REWARDS.items()}


def from_spec(text: str) -> Reward:
    """Read a reward from text; ``str(reward)`` gives the text back.

    A name, a name with settings by keyword, sums of these, and products with numbers:
    ``accuracy``, ``f1(average="macro", ignore=("O",))``, ``0.5*(entity_f1+accuracy)``. The text is
    parsed and read, never evaluated. The settings of ``by_kind`` are rewards, one for each kind of
    units: ``by_kind(slot=0.5*entity_f1, intent=0.5*accuracy)``; a kind whose name is no Python name
    is written ``by_kind(**{"sst-2": accuracy})``. A reward around another takes it first:
    ``normalized(entity_f1)``.

    Raises:
        ValueError: the text is not such an expression; the message has the text and the cause.
    """
    try:
        reward = _read(ast.parse(text.strip(), mode="eval").body)
    except SyntaxError as error:
        raise ValueError(f"reward {text!r} is not an expression: {error.msg}") from error
    except (TypeError, ValueError) as error:
        raise ValueError(f"reward {text!r}: {error}") from error
    if not isinstance(reward, Reward):
        raise ValueError(f"reward {text!r} is a number, not a reward: {_known()}")
    return reward


def _read(node: ast.expr) -> Reward | float:
    """The reward or number that a node of the expression stands for."""
    match node:
        case ast.Name(name) | ast.Call(ast.Name(name)):
            return _make(name, node)
        case ast.Constant(int() | float() as number) if not isinstance(number, bool):
            return number
        case ast.UnaryOp(ast.USub(), ast.Constant(int() | float() as number)):
            return -number
        case ast.BinOp(left, ast.Add(), right):
            one, other = _read(left), _read(right)
            if isinstance(one, Reward) and isinstance(other, Reward):
                return one + other
            raise ValueError(f"{ast.unparse(node)} adds a number: only rewards are added")
        case ast.BinOp(left, ast.Mult(), right):
            one, other = _read(left), _read(right)
            if not isinstance(other, Reward):
                return one * other
            if not isinstance(one, Reward):
                return one * other
            raise ValueError(f"{ast.unparse(node)} multiplies two rewards: weights are numbers")
    raise ValueError(f"{ast.unparse(node)} is no reward, number, sum or product")


def _make(name: str, node: ast.expr) -> Reward:
    """The reward of this name with the settings of the call, if it is one."""
    if name not in REWARDS:
        raise ValueError(f"unknown reward {name!r}: {_known()}")
    kind = REWARDS[name]
    if kind is ByKind:
        return _by_kind(node)
    settings = {field.name: field for field in fields(kind) if field.init}
    inside = [own for own, field in settings.items() if field.type is Reward]
    args, keywords = (node.args, node.keywords) if isinstance(node, ast.Call) else ([], [])
    if len(args) > len(inside):
        plain = [own for own in settings if own not in inside]
        such = f", such as {plain[0]}=..." if plain else ": it has none"
        raise ValueError(f"give the settings of {name} by name{such}")
    given = {own: _inside(name, own, value) for own, value in zip(inside, args, strict=False)}
    for keyword in keywords:
        own, value = keyword.arg, keyword.value
        if own not in settings:
            raise ValueError(f"{name} has no setting {own!r}: it has {_listed(settings)}")
        if own in given:
            raise ValueError(f"{name} is given {own} twice")
        if own in inside:
            given[own] = _inside(name, own, value)
            continue
        try:
            given[own] = ast.literal_eval(value)
        except ValueError:
            written = ast.unparse(value)
            raise ValueError(f"{name}: {own} is {written}, not a plain value") from None
        if settings[own].type is bool and not isinstance(given[own], bool):
            raise ValueError(f"{name}: {own} is {given[own]!r}, not True or False")
    missing = [own for own in inside if own not in given and settings[own].default is MISSING]
    if missing:
        raise ValueError(f"{name} stands around a reward, such as {name}(accuracy): give one")
    return kind(**given)


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
    return f"known are {', '.join(sorted(REWARDS))}"
