"""What README and docs/ say works: their Python runs, and their links lead somewhere."""

import re
import shlex
from pathlib import Path

import gymnasium
import pytest

from lingym.envs.tasks import TASKS
from lingym.rewards import REWARDS
from lingym.scripts.cli import parse

ROOT = Path(__file__).parents[1]
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
]
TOLD = [
    *(ROOT / name for name in ("README.md", "docs/credit.md", "docs/online.md", "docs/tune.md")),
    ROOT / "docs/fusion.md",
    ROOT / "docs/benchmark.md",
    ROOT / "docs/robustness.md",
    ROOT / "docs/data.md",
    ROOT / "docs/explain.md",
    ROOT / "docs/few-shot.md",
    ROOT / "docs/active.md",
    ROOT / "docs/continual.md",
    ROOT / "docs/encoder-tuning.md",
    *(p for room in ("rewards", "tasks") for p in sorted((ROOT / "docs" / room).glob("*.md"))),
]
"""Pages whose commands a reader is to type as they stand."""
BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)\s]*)?\)")


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_python_blocks_run(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The blocks of a page are one session, from first to last, in an empty folder."""
    text = page.read_text(encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    session = {"__name__": "__main__"}
    for block in BLOCK.finditer(text):
        # Empty lines before it, so that an error names the page's own line.
        above = "\n" * text.count("\n", 0, block.start(1))
        exec(compile(above + block[1], page, "exec"), session)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_to_files(page: Path) -> None:
    links = LINK.findall(page.read_text(encoding="utf-8"))
    local = [link for link in links if "://" not in link and not link.startswith("mailto:")]
    assert not [link for link in local if not (page.parent / link).exists()]


def test_every_task_has_a_page_and_every_environment_a_row() -> None:
    folder = ROOT / "docs" / "tasks"
    assert {page.stem for page in folder.glob("*.md")} == {"README", *TASKS}
    index = (folder / "README.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| \[`(\S+)`\]\((\w+)\.md\) \| `\w+`", index, re.MULTILINE))
    ids = {
        s.id: s.kwargs.get("kind") for s in gymnasium.registry.values() if s.namespace == "lingym"
    }
    assert rows == {name: task for name, task in ids.items() if task in TASKS}
    assert all(f"`{name}`" in index for name in ids)
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert all(f"| `{name}` |" in readme for name in ids)


def test_every_reward_is_in_the_index_and_so_is_every_page() -> None:
    folder = ROOT / "docs" / "rewards"
    index = (folder / "README.md").read_text(encoding="utf-8")
    assert not [name for name in REWARDS if f"`{name}`" not in index]
    pages = {page.name for page in folder.glob("*.md")} - {"README.md"}
    assert not [page for page in pages if f"]({page})" not in index]


@pytest.mark.parametrize("page", TOLD, ids=name_of)
def test_commands_are_as_the_command_line_wants_them(page: Path) -> None:
    """Parsed, not run: a line of a page that begins with lingym, or gets its input from a pipe."""
    text = page.read_text(encoding="utf-8").replace("\\\n", "")
    lines = re.findall(r"^    (?:echo [^|]*\| )?lingym (.*)$", text, re.MULTILINE)
    assert lines
    for line in lines:
        parse(shlex.split(line, comments=True))
