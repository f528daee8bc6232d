"""Rewards that are not built in: from a file, from a module, or from an installed package."""

import ast
import hashlib
import importlib
import importlib.util
import re
import sys
import traceback
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType

GROUP = "lingym.rewards"
"""The entry points by which an installed package names its rewards."""

_NAME = r"[^\W\d]\w*"
_PLACE = re.compile(
    rf"(?P<quoted>\"[^\"]*\.py\"|'[^']*\.py'):(?P<in_quoted>{_NAME})"
    r"|\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'"  # any other string is left as it is
    rf"|(?P<plain>[\w./~-]+\.py|{_NAME}(?:\.{_NAME})*):(?P<in_plain>{_NAME})"
)
_MARKED = re.compile(r"own\[('[^']*'|\"[^\"]*\")\]")
_UNQUOTED = re.compile(r"[\w./~:-]+")


def mark(text: str) -> str:
    """Write each ``place:name`` in a reward's text as ``own['place:name']``, which is Python."""

    def marked(found: re.Match[str]) -> str:
        if found["quoted"]:
            return f"own[{found['quoted'][1:-1] + ':' + found['in_quoted']!r}]"
        return f"own[{found[0]!r}]" if found["plain"] else found[0]

    return _PLACE.sub(marked, text)


def unmark(text: str) -> str:
    """Undo ``mark``."""

    def plain(found: re.Match[str]) -> str:
        place, _, name = found[1][1:-1].rpartition(":")
        return f"{place}:{name}" if _UNQUOTED.fullmatch(place) else f'"{place}":{name}'

    return _MARKED.sub(plain, text)


def parsed(text: str) -> ast.expr:
    """The expression that a reward's text is, places of code as ``own['place:name']``.

    Raises:
        SyntaxError: it is none.
    """
    return ast.parse(mark(text.strip()), mode="eval").body


def place_of(node: ast.AST) -> str | None:
    """The ``place:name`` that a node of such an expression stands for; None where it is no code."""
    match node:
        case ast.Subscript(ast.Name("own"), ast.Constant(str(source))):
            return source
    return None


def places(text: str) -> list[str]:
    """The code that a reward's text names: each ``file.py:name`` and ``module:name``.

    It is read as `from_spec` reads it, however it is written: what is not found here is not run.
    None where the text is no expression.

    Raises:
        ValueError: the text is nested too deeply.
    """
    try:
        nodes = [node for node in ast.walk(parsed(text)) if place_of(node) is not None]
    except SyntaxError:
        return []
    except (RecursionError, MemoryError, ValueError):
        raise ValueError("the reward's text cannot be read: it is nested too deeply") from None
    nodes.sort(key=lambda node: (getattr(node, "lineno", 0), getattr(node, "col_offset", 0)))
    return [str(place_of(node)) for node in nodes]


def files(text: str) -> list[Path]:
    """The files that a reward's text names, each once: a run keeps copies of them."""
    named = [each.rpartition(":")[0] for each in places(text)]
    return list(dict.fromkeys(_path(place) for place in named if place.endswith(".py")))


def find(source: str) -> object:
    """What ``file.py:name`` or ``package.module:name`` names; its file or module is run once.

    Raises:
        ValueError: there is no such file or module, it raises, or has nothing of that name.
    """
    place, _, name = source.rpartition(":")
    module = _run(_path(place)) if place.endswith(".py") else _imported(place)
    if not hasattr(module, name):
        own = [
            key
            for key, value in vars(module).items()
            if callable(value) and getattr(value, "__module__", None) == module.__name__
        ]
        raise ValueError(f"{place} has no {name!r}: it defines {', '.join(own) or 'nothing'}")
    return getattr(module, name)


def _path(place: str) -> Path:
    return Path(place).expanduser().absolute()


def _run(file: Path) -> ModuleType:
    """The module of a file; a file that was changed since it was run is another module."""
    if not file.is_file():
        raise ValueError(f"{file}: there is no such file")
    code = file.read_bytes()
    digest = hashlib.sha256(bytes(file) + b"\0" + code).hexdigest()[:16]
    stem = re.sub(r"\W", "_", file.stem)
    name = f"lingym_own_{stem}_{digest}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # pickles name functions and classes by their module
    try:
        # Compiled here: a cached .pyc goes by whole seconds, and would lie in the user's folder.
        exec(compile(code, file, "exec"), vars(module))
    except Exception as error:
        del sys.modules[name]
        lines = [f.lineno for f in traceback.extract_tb(error.__traceback__) if _in(f, file)]
        line = error.lineno if isinstance(error, SyntaxError) else lines[-1] if lines else 0
        raise ValueError(f"{file}:{line}: {type(error).__name__}: {error}") from error
    return module


def _in(frame: traceback.FrameSummary, file: Path) -> bool:
    return frame.filename == str(file)


def _imported(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except Exception as error:
        raise ValueError(
            f"module {name} cannot be imported: {type(error).__name__}: {error} (wanted a module "
            "that is installed; a file is named with its ending, as in rewards.py:name)"
        ) from error


def plugins() -> dict[str, EntryPoint]:
    """The rewards that installed packages name in the entry-point group ``lingym.rewards``.

    Raises:
        ValueError: two packages give one name to different rewards.
    """
    return dict(_plugins(tuple(sys.path)))


@lru_cache(maxsize=1)
def _plugins(path: tuple[str, ...]) -> dict[str, EntryPoint]:
    """The same, looked up again only when the places of packages have changed."""
    found: dict[str, EntryPoint] = {}
    for entry in sorted(entry_points(group=GROUP), key=lambda entry: entry.name):
        other = found.setdefault(entry.name, entry)
        if other.value != entry.value:
            raise ValueError(
                f"two packages have a reward {entry.name!r}: {told(other)} and {told(entry)}"
            )
    return found


def load(entry: EntryPoint) -> object:
    """What an entry point names.

    Raises:
        ValueError: it cannot be imported, or is not there.
    """
    try:
        return entry.load()
    except Exception as error:
        raise ValueError(
            f"reward {entry.name!r}, {told(entry)}, cannot be loaded: "
            f"{type(error).__name__}: {error}"
        ) from error


def told(entry: EntryPoint) -> str:
    """Where an entry point comes from, in words."""
    package = f"{entry.dist.name} {entry.dist.version}" if entry.dist else "a package"
    return f"{entry.value} of {package}"
