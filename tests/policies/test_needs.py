"""A library that is missing is named; one that is broken is told with its own fault."""

import sys
from pathlib import Path

import pytest

from lingym.policies.needs import peft


def test_a_missing_library_is_told_how_to_get(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [each for each in sys.modules if each.split(".")[0] == "peft"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "path", [])
    with pytest.raises(ImportError, match=r"tune lora needs the library peft: pip install"):
        peft("lora")


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("import no_such_library", "No module named 'no_such_library'"),
        ("raise ImportError('cannot import name HybridCache')", "cannot import name HybridCache"),
    ],
)
def test_a_broken_library_is_told_with_its_fault(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, fault: str, told: str
) -> None:
    (tmp_path / "peft.py").write_text(fault)
    for name in [each for each in sys.modules if each.split(".")[0] == "peft"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ImportError, match=rf"it is installed, but cannot be imported \({told}\)"):
        peft("lora")
