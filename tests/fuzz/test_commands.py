"""Wrong command lines end in words on standard error and with 1 or 2, never in a traceback.

One of each command, or as many in all as LINGYM_FUZZ says. Nothing is trained: where an agent would
begin to learn, or a study its cells, the options were found to be right.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from lingym.agents.episodic import EpisodicAlgorithm
from lingym.scripts.bench_compare import Compare
from lingym.scripts.cli import main
from lingym.types import DataError
from tests.fuzz.commands import FILES, LINES, lines
from tests.fuzz.mutate import count, within

LIMIT = 60.0


class Began(BaseException):
    """The work would begin now."""


def began(*args: object, **more: object) -> None:
    raise Began


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with a run, and with files of every kind; nobody learns in it any more."""
    folder = tmp_path_factory.mktemp("commands")
    threads = torch.get_num_threads()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for name, content in FILES.items():
            Path(name).parent.mkdir(exist_ok=True)
            Path(name).write_bytes(content)
        Path("loop").symlink_to("loop")
        main(
            [
                "train",
                "--out",
                "run",
                "--train",
                "a.conll",
                "--encoder",
                "tiny",
                "--agent",
                "supervised",
                "--episodes",
                "2",
                "--device",
                "cpu",
            ]
        )
        patch.setattr(EpisodicAlgorithm, "learn", began)
        patch.setattr(Compare, "do", began)
        yield folder
        torch.set_num_threads(threads)


def ended(words: list[str], capsys: pytest.CaptureFixture[str]) -> int:
    """The code that a command exits with; where it is not 0, something is told."""
    try:
        main(words)
    except Began:
        return 0
    except SystemExit as left:
        capsys_err = capsys.readouterr().err
        if isinstance(left.code, str):  # which Python then prints, and exits with 1
            assert re.match(r"lingym: error: .*\w", left.code, re.DOTALL), left.code
            assert len(left.code) < 20_000  # what was given may have thousands of digits
            return 1
        assert left.code in (0, 2) or (left.code == 1 and capsys_err), left.code
        assert left.code == 0 or capsys_err
        return int(left.code or 0)
    return 0


def test_wrong_command_lines_are_told(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    codes = []
    for number, (_, words) in enumerate(lines(count(len(LINES)))):
        right = [word if word != "o" else str(tmp_path / str(number)) for word in words]
        with within(LIMIT, repr(words).encode()):
            codes.append(ended(right, capsys))
    assert {1, 2} <= set(codes) <= {0, 1, 2}


@pytest.mark.parametrize("kind", [ImportError, DataError])
def test_what_is_missing_is_told_in_words(monkeypatch: pytest.MonkeyPatch, kind: type) -> None:
    def missing(self: object) -> None:
        raise kind("tune lora needs the library peft")

    monkeypatch.setattr("lingym.scripts.predict.Predict.run", missing)
    with pytest.raises(SystemExit, match="lingym: error: tune lora needs the library peft"):
        main(["predict", "run"])
    monkeypatch.setenv("LINGYM_TRACEBACK", "1")
    with pytest.raises(kind):
        main(["predict", "run"])
