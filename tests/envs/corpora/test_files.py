"""Lines: what ends one, what a file may begin with, and what is said of a file that is damaged."""

import gzip
import io
import lzma
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from lingym.envs.corpora.files import read_lines
from lingym.types import DataError

TEXT = "one\x85still one\u2028and one\ntwo\r\n\nvier ä\n".encode()
LINES = [(1, "one\x85still one\u2028and one"), (2, "two"), (3, ""), (4, "vier ä")]

COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    ".txt": bytes,
    ".txt.xz": lzma.compress,
    ".txt.gz": gzip.compress,
}


@pytest.mark.parametrize("ending", COMPRESS)
@pytest.mark.parametrize("start", [b"", b"\xef\xbb\xbf"], ids=["", "bom"])
def test_a_line_ends_at_lf_only_in_every_packing(tmp_path: Path, ending: str, start: bytes) -> None:
    path = tmp_path / f"a{ending}"
    path.write_bytes(COMPRESS[ending](start + TEXT))
    assert list(read_lines(path)) == LINES


def test_a_last_line_needs_no_end_and_a_later_bom_is_text(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"one\n\xef\xbb\xbftwo")
    assert list(read_lines(path)) == [(1, "one"), (2, "\ufefftwo")]


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(TEXT)))
    assert list(read_lines("-")) == LINES


def test_bad_utf8_gives_line_and_byte(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"fine\nbad \xe4 here\n")
    with pytest.raises(DataError) as error:
        list(read_lines(path))
    assert (
        str(error.value) == f"{path}:2: wanted UTF-8 text, got the byte 0xe4 at byte 5 of the line"
    )


@pytest.mark.parametrize("ending", [".txt.xz", ".txt.gz"])
def test_a_compressed_file_cut_short_or_corrupt_is_named(tmp_path: Path, ending: str) -> None:
    whole = COMPRESS[ending](b"".join(b"line %d\n" % (i * i) for i in range(5000)))
    for damaged in (
        whole[: len(whole) // 2],
        whole[:40] + b"\x00\xff" * 20 + whole[80:],
        b"text\n",
    ):
        path = tmp_path / f"a{ending}"
        path.write_bytes(damaged)
        with pytest.raises(
            DataError, match=r"the compressed file is cut short or corrupt"
        ) as error:
            list(read_lines(path))
        assert str(error.value).startswith(f"{path}:")


def test_a_missing_file_and_a_folder(tmp_path: Path) -> None:
    with pytest.raises(DataError) as error:
        list(read_lines(tmp_path / "no.txt"))
    assert str(error.value) == f"{tmp_path / 'no.txt'}: there is no such file"
    with pytest.raises(DataError, match="wanted a file, got a folder"):
        list(read_lines(tmp_path))
