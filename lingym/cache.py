"""What is this user's own on this machine: the cache folder, and what lingym itself wrote there."""

import hashlib
import hmac
import os
from contextlib import suppress
from pathlib import Path


def cache_folder() -> Path:
    """``$LINGYM_CACHE``; by default ``lingym`` in ``$XDG_CACHE_HOME`` or ``~/.cache``."""
    named = os.environ.get("LINGYM_CACHE")
    if named:
        return Path(named)
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "lingym"


def seal(content: bytes) -> bytes:
    """A mark, 32 bytes, that this user alone can give: HMAC-SHA256 under a key of the cache folder.

    The key is made when it is first needed. A file that may only be read if this user's own lingym
    wrote it (a pickle) carries such a mark.

    Raises:
        OSError: there is no key, and none can be written.
    """
    return hmac.digest(_key(), content, "sha256")


def is_sealed(content: bytes, mark: bytes) -> bool:
    """Whether a mark is this user's for this content; no where there is no key to tell by."""
    try:
        return hmac.compare_digest(seal(content), mark)
    except OSError:
        return False


def _key() -> bytes:
    file = cache_folder() / "key"
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        new = file.with_name(f".key.new-{os.getpid()}")
        handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as opened:
            opened.write(os.urandom(32))
        with suppress(FileExistsError):  # another process was faster: its key counts
            os.link(new, file)
        new.unlink()
    key = file.read_bytes()
    if len(key) != 32:
        raise OSError(f"{file} is no key of lingym: remove it")
    return key


def note_base(sha256: str, place: str) -> None:
    """Remember where this user has the weights of that hash; nothing where it cannot be written."""
    if place in noted_bases(sha256):
        return
    with suppress(OSError):
        file = _note(sha256)
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("a", encoding="utf-8") as opened:
            opened.write(f"{place}\n")


def noted_bases(sha256: str) -> list[str]:
    """The places that `note_base` was told of, the last one first."""
    try:
        lines = _note(sha256).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return []
    return list(dict.fromkeys(reversed([line for line in lines if line])))


def _note(sha256: str) -> Path:
    # Hashed again: what a model says of a hash may be any text, and becomes no path of its own.
    return cache_folder() / "bases" / hashlib.sha256(sha256.encode()).hexdigest()
