"""The names of directed relations, such as ``Cause-Effect(e1,e2)``."""

import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

OTHER = "Other"
_DIRECTED = re.compile(r"(.+)\((?:e1,e2|e2,e1)\)")


def is_relation(name: str) -> bool:
    """Whether a label names a relation and its direction."""
    return _DIRECTED.fullmatch(name) is not None


def relations_of(names: Sequence[str]) -> tuple[tuple[str, ...], npt.NDArray[np.intp]]:
    """The relations, sorted, and which of them each label is a direction of; -1 for Other.

    Raises:
        ValueError: a name is neither a directed relation nor Other, or none is a relation.
    """
    matches = {name: _DIRECTED.fullmatch(name) for name in names}
    for name, match in matches.items():
        if match is None and name != OTHER:
            raise ValueError(
                f"label {name!r} is no directed relation: wanted names such as "
                f"'Cause-Effect(e1,e2)' and 'Cause-Effect(e2,e1)', and {OTHER!r}"
            )
    relations = sorted({match[1] for match in matches.values() if match is not None})
    if not relations:
        raise ValueError(f"no label is a directed relation: found {list(names)}")
    of = [-1 if (found := matches[name]) is None else relations.index(found[1]) for name in names]
    return tuple(relations), np.array(of)
