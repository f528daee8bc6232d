"""Data sets of the Hugging Face library, by name or from a folder: ``hf:NAME[/CONFIG]``.

- ``hf:imdb``: the data set of that name;
- ``hf:org/name``: likewise; if the Hub has none, the data set ``org`` in its configuration ``name``
  (``hf:conll2003/cfg``);
- ``hf:org/name/cfg``: a configuration;
- ``hf:/a/folder``, ``hf:./a/folder``, ``hf:../a/folder`` or ``hf:~/a/folder``: what
  ``save_to_disk`` wrote there; ``hf:a/folder`` likewise, if something is saved there.

``?split=NAME`` at the end takes this split, or a slice of it as in ``train[:10%]``, in place of
the one that is asked for. ``dev`` is also found under ``validation``, ``valid``, ``val`` and
``eval``. A column of class numbers is read as the names of its classes; -1, no class, is read
as None.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from lingym.envs.corpora.record import Record
from lingym.types import DataError

PREFIX = "hf:"
"""What a name of this module begins with."""

_LISTS = ("List", "LargeList", "Sequence")  # Sequence up to datasets 3, the others since
_ALIASES = {"dev": ("dev", "validation", "valid", "val", "eval")}


def splits(source: str) -> tuple[str, ...]:
    """Those of train, dev and test that a data set holds."""
    name, split = _parse(source)
    if split is not None:
        raise ValueError(
            f"{source}: a corpus is all splits: leave ?split= out, or give it to one split"
        )
    present = _load(name, None)
    if not isinstance(present, Mapping):
        return ("train",)
    roles = tuple(role for role in ("train", "dev", "test") if _find(role, present) is not None)
    if not roles:
        raise DataError(f"{source}: has no split train, dev or test, only {', '.join(present)}")
    return roles


def read(source: str, split: str = "train") -> Iterator[Record]:
    """Yields the rows of a split as records; the line of each is its number, from 1.

    Args:
        source: a name as above.
        split: the split, where the source names none.

    Raises:
        DataError: there is no such data set or split, or the library is not installed.
    """
    name, asked = _parse(source)
    data: Any = _load(name, asked)
    if isinstance(data, Mapping):
        key = _find(asked or split, data)
        if key is None:
            raise DataError(f"{source}: has no split {asked or split}, only {', '.join(data)}")
        data, place = data[key], f"{PREFIX}{name}[{key}]"
    else:
        place = f"{PREFIX}{name}" + (f"[{asked}]" if asked else "")
    features, class_label = data.features, _library().ClassLabel
    for number, row in enumerate(data, start=1):
        try:
            values = {key: _named(features[key], value, class_label) for key, value in row.items()}
        except LookupError as error:
            raise DataError(f"{place}:{number}: {error.args[0]}") from None
        yield Record(values, place, (number,))


def fingerprint(source: str, split: str = "train") -> str:
    """What the library calls the content of a split: other rows have another fingerprint."""
    name, asked = _parse(source)
    data: Any = _load(name, asked)
    if isinstance(data, Mapping):
        data = data[_find(asked or split, data)]
    return str(data._fingerprint)


def _parse(source: str) -> tuple[str, str | None]:
    """The name, and the split asked for."""
    name, _, query = source.removeprefix(PREFIX).partition("?")
    split = query.removeprefix("split=")
    if not name or (query and split in ("", query)):
        raise ValueError(f"wanted hf:NAME[/CONFIG][?split=SPLIT], got {source!r}")
    return name, split or None


def _find(role: str, present: Mapping[str, Any]) -> str | None:
    return next((name for name in _ALIASES.get(role, (role,)) if name in present), None)


def _load(name: str, split: str | None) -> Any:
    """A Dataset, or a mapping of splits to Datasets."""
    datasets = _library()
    if name.startswith(("/", "./", "../", "~")) or _is_saved(Path(name)):
        return _load_folder(datasets, name, split)
    failures = []
    for path, config in _readings(name):
        try:
            return datasets.load_dataset(path, config, split=split)
        except (OSError, RuntimeError, ValueError) as error:  # what the library raises
            failures.append(str(error).strip().split("\n")[0])
    raise DataError(f"{PREFIX}{name}: cannot be loaded: {'; '.join(failures)}")


def _readings(name: str) -> list[tuple[str, str | None]]:
    """What a name may mean, as data set and configuration, the likeliest first."""
    match name.split("/"):
        case [_]:
            return [(name, None)]
        case [first, second]:
            return [(name, None), (first, second)]
        case [first, second, config]:
            return [(f"{first}/{second}", config)]
    raise ValueError(f"wanted hf:NAME[/CONFIG], got {PREFIX}{name}")


def _load_folder(datasets: Any, name: str, split: str | None) -> Any:
    folder = Path(name).expanduser()
    if not folder.is_dir():
        raise DataError(f"{PREFIX}{name}: there is no such folder")
    if not _is_saved(folder):
        raise DataError(
            f"{PREFIX}{name}: wanted a folder that save_to_disk wrote, found none there"
        )
    try:
        data = datasets.load_from_disk(str(folder))
    except Exception as error:  # of files that are not as they were written, any may come
        said = str(error).strip().split("\n")[0] or type(error).__name__
        raise DataError(f"{PREFIX}{name}: cannot be loaded: {said}") from error
    if split is not None and not isinstance(data, Mapping):
        raise DataError(f"{PREFIX}{name}: has no splits, so no {split}")
    return data


def _is_saved(folder: Path) -> bool:
    """Whether save_to_disk wrote a data set, or several splits, into a folder."""
    return any((folder / mark).is_file() for mark in ("dataset_dict.json", "state.json"))


def _library() -> Any:
    try:
        import datasets
    except ImportError:
        raise DataError(
            "hf: needs the library datasets, which is not installed: pip install 'lingym[datasets]'"
        ) from None
    return datasets


def _named(feature: Any, value: Any, class_label: Any) -> Any:
    """The value with class numbers replaced by the names of the classes."""
    if value is None:
        return None
    if isinstance(feature, class_label):
        if not -1 <= value < len(feature.names):
            raise LookupError(
                f"wanted a class of 0 .. {len(feature.names) - 1}, or -1 for none, got {value}"
            )
        return None if value == -1 else feature.names[value]
    if isinstance(feature, list):  # up to datasets 3, another way to write a list
        (inner,) = feature
    elif type(feature).__name__ in _LISTS:
        inner = feature.feature
    else:
        inner = None
    if isinstance(value, list) and inner is not None:
        return [_named(inner, each, class_label) for each in value]
    if isinstance(value, dict) and isinstance(inner, dict):  # up to datasets 3: objects by column
        return {
            key: [_named(inner[key], each, class_label) for each in column]
            for key, column in value.items()
        }
    if isinstance(value, dict) and isinstance(feature, dict):
        return {key: _named(feature[key], each, class_label) for key, each in value.items()}
    return value
