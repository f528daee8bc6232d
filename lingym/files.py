"""Files that are there whole or not at all: written beside, synced, and then renamed."""

import hashlib
import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

Content = bytes | str | Callable[[Path], None]
"""What a file gets: its bytes, its text (UTF-8), or what writes it to a path."""


class NotWritten(OSError):
    """A file or folder could not be written; what stood there before still stands."""

    def __str__(self) -> str:
        """The words alone: they have the number's meaning."""
        return self.strerror or super().__str__()


def replace_file(path: str | os.PathLike[str], content: Content) -> None:
    """Write a file so that the old or the new one stands, whenever all stops.

    The new file is made in the same folder (a rename holds within a file system only), flushed to
    the disk, renamed over the old one, and then the folder is flushed, which holds the name.

    Args:
        path: the file; its folder must exist.
        content: bytes, text, or a function that writes to the path it is given.

    Raises:
        NotWritten: the disk is full, or nothing may be written there; no half file is left.
    """
    path = Path(path)
    # The suffix stays last: there are writers that look at it.
    new = path.with_name(f".{path.stem}.new-{os.getpid()}{path.suffix}")
    _remove_left(path.parent, f".{path.stem}.new-", path.suffix)
    with _written(path, new):
        if isinstance(content, str):
            content = content.encode("utf-8")
        if isinstance(content, bytes):
            new.write_bytes(content)
        else:
            content(new)
        _sync(new)
        os.replace(new, path)
    sync_folder(path.parent)


def replace_folder(folder: str | os.PathLike[str], write: Callable[[Path], None]) -> None:
    """Write a folder so that it is there whole or not at all.

    It is written as ``.NAME.new-PID`` beside, every file of it flushed, and renamed. A folder of
    that name is first moved to ``.NAME.old-PID`` and removed at the end: no file system that is
    common renames over a folder that holds files, so between the two renames none stands. What a
    process that was killed had begun to write, or to remove, is removed.

    Args:
        folder: the folder; the one it lies in must exist.
        write: fills the empty folder that it is given.

    Raises:
        NotWritten: the disk is full, or nothing may be written there; no half folder is left.
    """
    folder = Path(folder)
    new = folder.with_name(f".{folder.name}.new-{os.getpid()}")
    old = folder.with_name(f".{folder.name}.old-{os.getpid()}")
    _remove_left(folder.parent, f".{folder.name}.new-")
    with _written(folder, new):
        _remove(new)
        new.mkdir()
        write(new)
        for path in [*new.rglob("*"), new]:
            if path.is_dir():
                sync_folder(path)
            else:
                _sync(path)
        _remove(old)
        stood = folder.exists()
        if stood:
            os.replace(folder, old)
        try:
            os.replace(new, folder)
        except BaseException:
            if stood:
                os.replace(old, folder)
            raise
    sync_folder(folder.parent)
    _remove(old)
    _remove_left(folder.parent, f".{folder.name}.old-")


def sha256_of(path: str | os.PathLike[str]) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal; it is read piece by piece."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def _written(path: Path, new: Path) -> Iterator[None]:
    """Remove what was begun if it fails, and say what failed in words."""
    stood = path.exists()
    try:
        yield
    except BaseException as error:
        _remove(new)
        known = _of_system(error)
        if known is None or isinstance(known, NotWritten):
            raise
        after = "what stood there before still stands" if stood else "nothing is left of it"
        why = known.strerror or str(known)
        raise NotWritten(known.errno, f"{path} could not be written: {why}; {after}") from error


def _of_system(error: BaseException) -> OSError | None:
    """The system's error, which writers in other languages wrap in one of their own."""
    if isinstance(error, OSError) or not isinstance(error, Exception):
        return error if isinstance(error, OSError) else None
    found = re.search(r"\(os error (\d+)\)", str(error))
    return None if found is None else OSError(int(found[1]), os.strerror(int(found[1])))


def _remove(path: Path) -> None:
    with suppress(OSError):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def _remove_left(folder: Path, begin: str, end: str = "") -> None:
    """Remove what processes left that were killed as they wrote a file or folder of a name."""
    with suppress(OSError):
        for each in list(folder.iterdir()):
            number = each.name.removeprefix(begin).removesuffix(end)
            if each.name == f"{begin}{number}{end}" and number.isdecimal() and not _runs(number):
                _remove(each)


def _runs(number: str) -> bool:
    """Whether there is a process of this number, as far as can be known."""
    if os.name != "posix":
        return True
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):  # another user's
        pass
    return True


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Flush a folder, where the system can (Windows cannot open one)."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
