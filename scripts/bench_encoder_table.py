"""The table of `lingym bench encoder`, in Markdown: a part for each data set."""

from collections.abc import Sequence
from statistics import mean, median
from typing import TYPE_CHECKING

from lingym.scripts.bench_encoder_runs import Row

if TYPE_CHECKING:
    from lingym.scripts.bench_encoder_study import EncoderStudy

HEAD = (
    *("method", "trained parameters", "peak memory, MB", "seconds an epoch", "over the first's"),
    *("supervised", "REINFORCE: seconds an epoch", "over the first's", "then REINFORCE"),
)


def table(study: "EncoderStudy", rows: Sequence[Row]) -> str:
    """What is done so far, with what the columns mean."""
    parts = [f"# {study.name}\n", f"{study.about}\n"] if study.about else [f"# {study.name}\n"]
    for data in study.data:
        own = [row for row in rows if row["data"] == data.name]
        if own:
            parts += [f"## {data.name}: {own[0]['metric']}\n", _part(study, own)]
    return "\n".join([*parts, WORDS])


WORDS = """\
Trained parameters: with the heads, and their share of all. Peak memory: the most that a process of
the supervised stage held, libraries and texts among it. Seconds an epoch: of learning, without
dev and test; the median over the seeds, and with kept features over the runs that found them kept
(what computing them took is told below the part). A ratio is the first method's seconds over this
one's: how many times faster. Metrics are of test, mean [least, most] over the seeds, of the policy
that was best on dev."""


def _part(study: "EncoderStudy", rows: list[Row]) -> str:
    first = study.methods[0].name
    lines = [_line(HEAD), _line(["---", *["---:"] * (len(HEAD) - 1)])]
    notes = []
    for method in study.methods:
        own = [row for row in rows if row["method"] == method.name]
        if not own:
            continue
        learned = _stage(own, "supervised")
        cells = [method.name, _parameters(own[0]), _peak(learned)]
        for stage in ("supervised", "reinforce"):
            of_stage = _stage(own, stage)
            cells += [
                _seconds(of_stage),
                _ratio(_stage([r for r in rows if r["method"] == first], stage), of_stage),
                _metric(of_stage),
            ]
        lines.append(_line(cells))
        filled = [row for row in learned if row["texts_read"]]
        if filled and len(filled) < len(learned):
            seconds = max(row["seconds_an_epoch"] for row in filled)
            notes.append(f"{method.name}: {seconds:.2f} s an epoch where features were computed.\n")
    return "\n".join([*lines, "", *notes])


def kept(rows: Sequence[Row]) -> list[Row]:
    """The runs that read no text because its features were kept; all, where there is none."""
    return [row for row in rows if not row["texts_read"]] or list(rows)


def _stage(rows: Sequence[Row], stage: str) -> list[Row]:
    return [row for row in rows if row["stage"] == stage]


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _parameters(row: Row) -> str:
    trained, every = row["parameters_trained"], row["parameters"]
    return f"{trained:,} ({100 * trained / every:.2f} %)"


def _peak(rows: Sequence[Row]) -> str:
    peaks = [row["peak_memory_mb"] for row in rows if row["peak_memory_mb"] is not None]
    return f"{max(peaks):.0f}" if peaks else "unknown"


def _median(rows: Sequence[Row]) -> float:
    return median(row["seconds_an_epoch"] for row in kept(rows))


def _seconds(rows: Sequence[Row]) -> str:
    return f"{_median(rows):.2f}" if rows else ""


def _ratio(first: Sequence[Row], rows: Sequence[Row]) -> str:
    return f"{_median(first) / _median(rows):.1f}" if first and rows else ""


def _metric(rows: Sequence[Row]) -> str:
    if not rows:
        return ""
    values = [row["test"] for row in rows]
    return f"{mean(values):.4f} [{min(values):.4f}, {max(values):.4f}]"
