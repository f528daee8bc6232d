"""Augmentations written as text, as on a command line: ``typos(0.1) | casing(0.2)``."""

import ast
import inspect
from typing import Any

from lingym.envs.augment.base import Augmentation, Chain, Mix
from lingym.envs.augment.mentions import Mentions
from lingym.envs.augment.noise import Casing, DeletedWords, SwappedWords, Typos
from lingym.envs.augment.synonyms import Synonyms
from lingym.envs.augment.translate import BackTranslation
from lingym.envs.augment.unseen import UnseenEntities

AUGMENTATIONS: dict[str, type[Augmentation]] = {
    kind.name: kind
    for kind in (
        *(Typos, Casing, DeletedWords, SwappedWords),
        *(Synonyms, Mentions, UnseenEntities, BackTranslation),
    )
}
"""The augmentations that text can name."""

_IN_PYTHON = ("pool", "seen")


def from_spec(text: str) -> Augmentation:
    """Read an augmentation from text.

    A name with its settings, the rate first: ``typos(0.1)``, ``synonyms(0.2, "lexicon.tsv")``,
    ``casing(0.3, to="upper")``. ``|`` puts one after another: ``typos(0.1) | casing(0.2)`` does
    both to a copy. ``+`` mixes: each copy is changed by one of the parts, drawn by the numbers
    before them: ``3*typos(0.1) + mentions(0.5)``. The text is parsed and read, never evaluated;
    settings are plain values.

    Raises:
        ValueError: the text is not such an expression, or names a file that cannot be read; the
            message has the text and the cause.
    """
    what = f"augmentation {text if len(text) <= 200 else f'{text[:200]}...'!r}"
    try:
        return _read(ast.parse(text.strip(), mode="eval").body)
    except SyntaxError as error:
        raise ValueError(f"{what} is not an expression: {error.msg}") from error
    except (RecursionError, MemoryError):  # MemoryError: so says the parser
        raise ValueError(f"{what} is nested too deeply, or too long") from None
    except OSError as error:
        raise ValueError(f"{what}: {error.filename}: {error.strerror}") from error
    except (TypeError, ValueError) as error:
        raise ValueError(f"{what}: {error}") from error


def _read(node: ast.expr) -> Augmentation:
    """The augmentation that a node of the expression stands for."""
    match node:
        case ast.BinOp(left, ast.BitOr(), right):
            return Chain(_read(left), _read(right))
        case ast.BinOp(_, ast.Add(), _):
            return Mix(list(_terms(node)))
        case ast.BinOp(_, ast.Mult(), _):
            raise ValueError(
                f"{ast.unparse(node)}: a number before a part says how often it is drawn among the "
                "parts of a sum, and there is one part"
            )
        case ast.Name(name) | ast.Call(ast.Name(name)):
            return _make(name, node)
    raise ValueError(
        f"{ast.unparse(node)} is no augmentation, and neither a sum nor a chain (|) of some"
    )


def _terms(node: ast.expr) -> list[tuple[float, Augmentation]]:
    """The parts of a sum with their weights."""
    match node:
        case ast.BinOp(left, ast.Add(), right):
            return [*_terms(left), *_terms(right)]
        case ast.BinOp(left, ast.Mult(), right):
            for weight, part in ((left, right), (right, left)):
                if isinstance(weight, ast.Constant | ast.UnaryOp):
                    return [(_weight(weight), _read(part))]
    return [(1.0, _read(node))]


def _weight(node: ast.expr) -> float:
    value = ast.literal_eval(node)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{ast.unparse(node)} is no weight: wanted a number above 0")
    return float(value)


def _make(name: str, node: ast.expr) -> Augmentation:
    """The augmentation of this name with the settings of the call."""
    if name not in AUGMENTATIONS:
        raise ValueError(f"unknown augmentation {name!r}: known are {', '.join(AUGMENTATIONS)}")
    kind: Any = AUGMENTATIONS[name]
    known = [key for key in inspect.signature(kind).parameters if key not in _IN_PYTHON]
    args, keywords = (node.args, node.keywords) if isinstance(node, ast.Call) else ([], [])
    if len(args) > len(known):
        raise ValueError(f"{name} has {len(known)} settings ({', '.join(known)}), got {len(args)}")
    given = {key: _literal(name, key, value) for key, value in zip(known, args, strict=False)}
    for keyword in keywords:
        if keyword.arg not in known:
            raise ValueError(f"{name} has no setting {keyword.arg!r}: it has {', '.join(known)}")
        if keyword.arg in given:
            raise ValueError(f"{name} is given {keyword.arg} twice")
        given[keyword.arg] = _literal(name, keyword.arg, keyword.value)
    for key, setting in inspect.signature(kind).parameters.items():
        if setting.default is inspect.Parameter.empty and key not in given:
            raise ValueError(f"{name} needs {key}, such as {_SUCH[name]}")
    augmentation: Augmentation = kind(**given)
    return augmentation


_SUCH = {
    **{name: f"{name}(0.1)" for name in AUGMENTATIONS},
    "synonyms": 'synonyms(0.2, "wordnet") or synonyms(0.2, "lexicon.tsv")',
    "backtranslation": 'backtranslation(0.5, "models/en-de", "models/de-en")',
}


def _literal(name: str, key: str, node: ast.expr) -> Any:
    try:
        return ast.literal_eval(node)
    except ValueError:
        raise ValueError(f"{name}: {key} is {ast.unparse(node)}, not a plain value") from None
