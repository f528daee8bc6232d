"""Valid files made faulty: seeded, fast mutations of bytes, lines, fields and JSON values.

`mutants` gives as many as are wanted, the same for the same seed on every machine. Each is a valid
file with one to three faults, so that most of what a reader does stays within reach; `packed` is
the same for compressed files, `within` a limit of time, and `count` how many files a test takes.
"""

import gzip
import json
import lzma
import os
import random
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Any

Fault = Callable[[bytes, random.Random], bytes]


def count(usual: int = 60) -> int:
    """How many mutants a test makes: `usual`, or what LINGYM_FUZZ says."""
    return int(os.environ.get("LINGYM_FUZZ") or usual)


class TooLong(BaseException):  # no Exception: nothing that is tested may catch it
    """A reader took longer than it may."""


@contextmanager
def within(seconds: float, data: bytes = b"") -> Iterator[None]:
    """Raises `TooLong` in what runs longer; for the main thread, as pytest's is.

    What is raised within, whatever it is, gets a note with the file that was read.
    """

    def end(signum: int, frame: FrameType | None) -> None:
        raise TooLong(f"still running after {seconds} seconds")

    before = signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    except BaseException as error:
        error.add_note(f"the file ({len(data)} bytes): {data[:4000]!r}")
        raise
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def mutants(
    files: Sequence[bytes], number: int, seed: int = 0, faults: Sequence[Fault] = ()
) -> Iterator[bytes]:
    """Faulty forms of valid files, in turn.

    Args:
        files: the valid files.
        number: how many mutants.
        seed: the same seed gives the same mutants.
        faults: what may be done to a file; empty: all of `FAULTS`.
    """
    chance = random.Random(seed)
    for k in range(number):
        data = files[k % len(files)]
        for _ in range(chance.choice((1, 1, 1, 2, 3))):
            data = chance.choice(faults or FAULTS)(data, chance)
        yield data


def packed(data: bytes, ending: str, chance: random.Random) -> bytes:
    """A file compressed (``.xz`` or ``.gz``), and then in three of five cases damaged.

    Damaged: torn, with bits flipped, or with bytes after its end. Else whole, in one member or two.
    """
    press: Callable[[bytes], bytes] = {".xz": lzma.compress, ".gz": _gzip}[ending]
    half = chance.randrange(len(data) + 1)
    way = chance.randrange(5)
    if way == 1:
        return press(data[:half]) + press(data[half:])
    whole = press(data)
    if way == 2:
        return whole[: chance.randrange(len(whole) + 1)]
    if way == 3:
        return _flip(whole, chance)
    if way == 4:
        return whole + chance.choice((b"\0" * 7, b"\0" * 8, b"more", whole[:20], b"\n"))
    return whole


def _gzip(data: bytes) -> bytes:
    return gzip.compress(data, compresslevel=1, mtime=0)


# Bytes.

WORDS: tuple[bytes, ...] = (
    *(b"", b" ", b"\t", b"\0", b"\r", b"\n", b"\r\n", b"\x0b", b"\x0c", b"\x1a", b"\x1c", b"\x7f"),
    *(b"#", b"-", b"--", b"_", b"O", b"o", b"B", b"I", b"B-", b"I-X", b"E-X", b"S-X", b"U-a-b"),
    *(b"-DOCSTART-", b"# ", b"#begin document", b"1-2", b"3.1", b'"', b'""', b"'", b",", b"|"),
    *(b"\\", b"\\n", b"\\u0000", b"null", b"NaN", b"0", b"-1", b"1e999", b"9" * 30, b"9" * 5000),
    *(b"{", b"}", b"[", b"]", b":", b"<e1>", b"</e1>", b"<e2>", b"</e2>", b"[MASK]", b"[PAD]"),
    b"\xef\xbb\xbf",  # a byte order mark
    *(b"\xff\xfe", b"\xfe\xff"),  # those of UTF-16
    *(b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x82"),  # no UTF-8
    *("\u200b\u200d\u2060\u00ad\ufeff".encode(), "\u200b".encode()),  # zero width
    *("\u202e".encode(), "\u2066a\u2069".encode(), "\u05d0\u0644".encode()),  # bidi
    *("\x85".encode(), "\u2028".encode(), "\xa0".encode(), "\u3000".encode()),  # line ends, blanks
    *("e\u0301".encode(), "\u0130".encode(), "\U0001f469\u200d\U0001f680".encode(), b"\xf0\x9f"),
    *("\ufffe\uffff".encode(), "\U0010ffff".encode(), ("\u0301" * 50).encode(), b"x" * 5000),
)
"""What is put in places where it does not belong."""


def _flip(data: bytes, chance: random.Random) -> bytes:
    if not data:
        return data
    new = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 8))):
        new[chance.randrange(len(new))] ^= 1 << chance.randrange(8)
    return bytes(new)


def _cut(data: bytes, chance: random.Random) -> bytes:
    return data[: chance.randrange(len(data) + 1)]


def _behead(data: bytes, chance: random.Random) -> bytes:
    return data[chance.randrange(len(data) + 1) :]


def _remove(data: bytes, chance: random.Random) -> bytes:
    start = chance.randrange(len(data) + 1)
    return data[:start] + data[start + chance.choice((1, 2, 5, 30)) :]


def _insert(data: bytes, chance: random.Random) -> bytes:
    place = chance.randrange(len(data) + 1)
    return data[:place] + chance.choice(WORDS) + data[place:]


def _begin(data: bytes, chance: random.Random) -> bytes:
    return chance.choice((b"\xef\xbb\xbf", b"\xef\xbb\xbf" * 2, b"\xff\xfe", b"\n", b"\0")) + data


def _double(data: bytes, chance: random.Random) -> bytes:
    start = chance.randrange(len(data) + 1)
    part = data[start : start + chance.choice((1, 8, 100))]
    return data[:start] + part * chance.choice((2, 2, 50)) + data[start:]


def _copy(data: bytes, chance: random.Random) -> bytes:
    start, end = chance.randrange(len(data) + 1), chance.randrange(len(data) + 1)
    return data[:end] + data[start : start + chance.randrange(40)] + data[end:]


def _whole(data: bytes, chance: random.Random) -> bytes:
    """Something else altogether, or the file twice, or in another encoding."""
    ways = (b"", b"\n", b"\r", b"\0" * 40, b"\n" * 40, data + data, data.replace(b"\n", b""))
    way = chance.randrange(len(ways) + 2)
    if way < len(ways):
        return ways[way]
    encoding = ("utf-16", "latin-1")[way - len(ways)]
    return data.decode("utf-8", "replace").encode(encoding, "replace")


# Lines and fields.


def _line_ends(data: bytes, chance: random.Random) -> bytes:
    lines = data.split(b"\n")
    ends = chance.choice(([b"\r\n"], [b"\r"], [b"\n", b"\r\n", b"\r"], [b"\n\r", b"\n\n"]))
    return b"".join(line + chance.choice(ends) for line in lines[:-1]) + lines[-1]


def _lines(data: bytes, chance: random.Random) -> bytes:
    """A line doubled, removed, moved, exchanged with another, joined to one, or emptied."""
    lines = data.split(b"\n")
    a, b = chance.randrange(len(lines)), chance.randrange(len(lines))
    match chance.randrange(8):
        case 0:
            lines.insert(b, lines[a])
        case 1:
            del lines[a]
        case 2:
            lines.insert(b, lines.pop(a))
        case 3:
            lines[a], lines[b] = lines[b], lines[a]
        case 4:
            lines[a] += lines[b]
        case 5:
            lines[a] = chance.choice(WORDS)
        case 6:
            lines[a:a] = [chance.choice((b"", b" ", b"\t", b"\r"))] * chance.choice((1, 3, 300))
        case _:
            lines[a] = lines[a] * chance.choice((2, 500))
    return b"\n".join(lines)


def _fields(data: bytes, chance: random.Random) -> bytes:
    """A field of a line doubled, removed, exchanged, or made something else."""
    lines = data.split(b"\n")
    row = chance.randrange(len(lines))
    mark = next((m for m in (b"\t", b",", b" ") if m in lines[row]), b" ")
    fields = lines[row].split(mark)
    a, b = chance.randrange(len(fields)), chance.randrange(len(fields))
    match chance.randrange(6):
        case 0:
            fields.insert(b, fields[a])
        case 1:
            del fields[a]
        case 2:
            fields[a], fields[b] = fields[b], fields[a]
        case 3:
            mark = chance.choice((b"\t", b",", b" ", b"  ", b";", "\xa0".encode()))
        case 4:
            fields[a] += chance.choice(WORDS)
        case _:
            fields[a] = chance.choice(WORDS)
    lines[row] = mark.join(fields)
    return b"\n".join(lines)


# JSON.

VALUES: tuple[str, ...] = (
    *("null", "true", "false", "0", "-0", "-1", "1", "2", "1.5", "0.0", "1e5", "1e999", "-1e999"),
    *("NaN", "Infinity", "-Infinity", "9" * 12, "-" + "9" * 20, "9" * 400, "9" * 5000),
    *("[]", "{}", "[[]]", "[null]", '[""]', '["a"]', "[1, 2]", "[0, 400]", "[-1, 3]", "[true]"),
    *('{"text": []}', '{"text": ["a"], "answer_start": [0]}', '{"text": "a", "start": 0}'),
    *('""', '" "', '"a"', '"\\n"', '"0"', '"O"', '"B-"', '"I-X"', '"B-X"', '"A"', '"task"'),
    *('"\\u0000"', '"\\ud800"', '"\\udc00\\ud800"', '"\\ud83d\\ude00"', '"\\uD800 a"', '"\\u12"'),
    *('"\\u200b"', '"\\u202e a"', '"\\ufeff"', '"\\ufffe"', '"\\u2028"', '"<e1>a</e1>"', '"\t"'),
    *("[" * 200 + "]" * 200, "[" * 100_000, '{"a":' * 2000 + "1" + "}" * 2000, "'a'", "01", "a"),
    *('"' + "long " * 2000 + '"', "[" + '"a",' * 999 + '"a"]', '"' + "x" * 9000 + '"'),
)
"""What JSON may hold where something else belongs, some of it no JSON at all."""

_HERE = "\ue000here\ue000"


def _json(data: bytes, chance: random.Random) -> bytes:
    """A value of a JSON text (a line's, or the whole file's) made another, moved, or removed."""
    lines = data.split(b"\n")
    row = chance.randrange(len(lines))
    for first, last in ((row, row + 1), (0, len(lines))):
        try:
            value = json.loads(b"\n".join(lines[first:last]))
        except (ValueError, RecursionError):
            continue
        try:
            lines[first:last] = [_changed(value, chance)]
        except RecursionError:
            return data
        return b"\n".join(lines)
    return _insert(data, chance)


def _changed(value: Any, chance: random.Random) -> bytes:
    holder: list[Any] = [value]
    places: list[tuple[Any, Any]] = [(holder, 0)]  # every container of the text, and every key
    for inside, key in places:  # grows meanwhile
        item = inside[key]
        if isinstance(item, dict | list) and len(places) < 300:
            places += [(item, k) for k in (item if isinstance(item, dict) else range(len(item)))]
    inside, key = chance.choice(places)
    raw = chance.choice(VALUES)
    match chance.randrange(7):
        case 0 if inside is not holder:
            del inside[key]
        case 1:
            other, name = chance.choice(places)
            inside[key] = json.loads(json.dumps(other[name]))
        case 2 if isinstance(inside, dict):  # the key twice
            inside[_HERE] = inside[key]
            raw = json.dumps(key)
        case 3 if isinstance(inside, dict):  # another key
            inside[chance.choice(("", "text", "label", "tokens", "\0", "id"))] = inside.pop(key)
        case 4 if isinstance(inside, list):
            inside += [inside[key]] * chance.choice((1, 3, 300))
        case 5 if isinstance(inside[key], int):
            inside[key] += chance.choice((-1, 1, 100, 2**31, 2**63, -(2**63), 10**30))
        case _:
            inside[key] = _HERE
    text = json.dumps(holder[0], ensure_ascii=chance.random() < 0.5, indent=None)
    return text.replace(json.dumps(_HERE), raw).replace(f'"{_HERE}"', raw).encode("utf-8", "ignore")


FAULTS: tuple[Fault, ...] = (
    *(_flip, _cut, _behead, _remove, _insert, _insert, _begin, _double, _copy, _whole),
    *(_line_ends, _lines, _lines, _fields, _fields, _fields),
)
"""Faults of bytes, lines and fields, for files of every form."""

JSON_FAULTS: tuple[Fault, ...] = (*FAULTS, *[_json] * len(FAULTS))
"""Faults of JSON files and of files of JSON lines: every second one is of a value."""
