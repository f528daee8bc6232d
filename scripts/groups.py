"""The options of `lingym train` by their own names, whether or not they stand in a group."""

from collections.abc import Mapping
from dataclasses import MISSING, asdict, fields, is_dataclass, replace
from typing import Any, get_type_hints

from lingym.scripts.train import Train

_HINTS: dict[str, Any] = get_type_hints(Train)

GROUPS: dict[str, Any] = {name: kind for name, kind in _HINTS.items() if is_dataclass(kind)}
"""The groups of options that `Train` holds, by its names for them."""

_OWNERS: tuple[Any, ...] = (Train, *GROUPS.values())

PLACES: dict[str, str] = {
    field.name: place for place, kind in GROUPS.items() for field in fields(kind)
}
"""The group of each option that stands in one."""

HINTS: dict[str, Any] = {
    name: kind
    for owner in _OWNERS
    for name, kind in get_type_hints(owner).items()
    if name not in GROUPS
}
"""The type of every option."""

DEFAULTS: dict[str, Any] = {
    field.name: field.default
    for owner in _OWNERS
    for field in fields(owner)
    if field.default is not MISSING
}
"""The value of every option that has one by default."""


def value_of(arguments: Train, name: str) -> Any:
    """The value of an option."""
    owner = getattr(arguments, PLACES[name]) if name in PLACES else arguments
    return getattr(owner, name)


def with_options(arguments: Train, options: Mapping[str, Any]) -> Train:
    """The same run with these options, those of a group in its place."""
    own = {name: value for name, value in options.items() if name not in PLACES}
    inner = {
        place: replace(
            getattr(arguments, place),
            **{name: value for name, value in options.items() if PLACES.get(name) == place},
        )
        for place in {PLACES[name] for name in options if name in PLACES}
    }
    return replace(arguments, **own, **inner)


def completed(saved: Mapping[str, Any]) -> dict[str, Any]:
    """The options that a run's ``config.json`` holds, with the defaults of those made since."""
    plain = {name: value for name, value in DEFAULTS.items() if name not in PLACES}
    inner = {place: asdict(kind()) | dict(saved.get(place, {})) for place, kind in GROUPS.items()}
    return {**plain, **saved, **inner}
