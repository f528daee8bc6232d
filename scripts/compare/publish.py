"""A report as files."""

from pathlib import Path

from lingym.scripts.compare.blocks import Report
from lingym.scripts.compare.markdown import write_markdown
from lingym.scripts.compare.page import page


def publish(report: Report, out: Path) -> Path:
    """Write ``report.html``, ``report.md`` and ``figures/*.svg`` into a folder.

    Returns:
        The page.
    """
    file = out / "report.html"
    file.write_text(page(report), encoding="utf-8")
    write_markdown(report, out)
    return file
