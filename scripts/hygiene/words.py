"""A report of `lingym data check` as text."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from lingym.scripts.hygiene.texts import short

SHOWN = 3
"""Examples of a kind of finding."""


def told(report: Mapping[str, Any]) -> list[str]:
    """The report, line by line.

    Args:
        report: what `lingym.scripts.hygiene.checked.check` gives.
    """
    parts = [*report["parts"]]
    texts = [f"{name} {part['texts']:,}" for name, part in report["parts"].items()]
    lines = [f"{report['task']}: texts {', '.join(texts)}"]
    for section in (_faults, _repeats, _contradictions, _labels, _lengths, _odd, _suspects):
        lines += ["", *section(report, parts)]
    return lines


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    """Rows under a head; the first column is of words, the others of numbers."""
    cells = [[str(cell) for cell in row] for row in [head, *rows]]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return [
        "  "
        + "  ".join(
            cell.rjust(width) if place else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in cells
    ]


def _faults(report: Mapping[str, Any], parts: list[str]) -> list[str]:
    faults = report["faults"]
    if not faults["counts"]:
        return ["Faults: none; lingym train reads every row"]
    rows = [[kind, *(each.get(p, 0) for p in parts)] for kind, each in faults["counts"].items()]
    lines = ["Faults: lingym train would refuse these", *table(["", *parts], rows)]
    for kind in faults["counts"]:
        own = [fault for fault in faults["all"] if fault["kind"] == kind]
        lines += [f"    {f['file']}:{f['line']}: {f['message']}" for f in own[:SHOWN]]
        lines += _more(len(own))
    return lines


def _repeats(report: Mapping[str, Any], parts: list[str]) -> list[str]:
    found = report["repeats"]
    near = found["near_from"]
    rows: list[list[object]] = []
    for part, counts in found["within"].items():
        rows.append([f"in {part}", counts["exact"], "", counts["near"]])
    for pair, counts in found["between"].items():
        earlier, later = pair.split(" ")
        name = f"of {later} in {earlier}"
        rows.append([name, counts["exact"], counts["texts"], counts["near"]])
    lines = ["Repeats: rows with a text that stood before", *table(_HEAD, rows)]
    if near is None:
        return [*lines, "  Near repeats were not looked for."]
    lines.append(f"  near: {near} or more of the runs of {_RUNS[found['of']]} in common (Jaccard)")
    for pair in found["near"][:SHOWN]:
        lines.append(f"    {pair['similarity']:.2f}  {'  '.join(pair['where'])}")
        lines += [f"          {short(text)}" for text in pair["texts"]]
    return lines + _more(found["near_pairs"])


_HEAD = ["", "exact", "different texts", "near"]
_RUNS = {"characters": "5 characters", "words": "3 words"}


def _contradictions(report: Mapping[str, Any], parts: list[str]) -> list[str]:
    found, several = report["contradictions"], report["mentions"]
    counts = [f"{n} in {part}" for part, n in found["within"].items() if n]
    counts += [f"{found['between']} between them"] if found["between"] else []
    tail = f" ({', '.join(counts)})" if counts else ""
    lines = [f"Contradictions: {found['texts']} texts with more than one gold labelling{tail}"]
    for each in found["all"][:SHOWN]:
        lines.append(f"    {short(each['text'])}")
        for gold in each["gold"]:
            more = len(gold["where"]) - 1
            place = gold["where"][0] + (f" and {more} more" if more else "")
            lines.append(f"      {short(gold['gold'], 60)}  {place}")
    lines += _more(found["texts"])
    if several["count"]:
        lines.append(f"  {several['count']} mentions have several types; many rightly so")
    for each in several["most_frequent"][:SHOWN]:
        totals = {kind: sum(counts.values()) for kind, counts in each["types"].items()}
        kinds = ", ".join(f"{kind} {n}" for kind, n in sorted(totals.items(), key=lambda x: -x[1]))
        lines.append(f"    {each['mention']}: {kinds}")
    return lines


def _labels(report: Mapping[str, Any], parts: list[str]) -> list[str]:
    found = report["labels"]
    counts = found["counts"]
    if not counts:
        return ["Labels: candidates, which are not counted"]
    most = 12
    rows = [[label, *(each[part] for part in parts)] for label, each in counts.items()]
    lines = [f"Labels: {len(counts)} ({found['of']})", *table(["", *parts], rows[:most])]
    if len(rows) > most:
        lines.append(f"    and {len(rows) - most} rarer ones (--out REPORT.json has them all)")
    for part, unseen in found["unseen"].items():
        lines.append(f"  in {part} and not in train ({len(unseen)}): {short(', '.join(unseen))}")
    if found["rare"]:
        rare = short(", ".join(found["rare"]))
        lines.append(f"  fewer than 5 times in train ({len(found['rare'])}): {rare}")
    return lines


def _lengths(report: Mapping[str, Any], parts: list[str]) -> list[str]:
    found = report["lengths"]
    lines = ["Lengths: what so many percent of the texts do not exceed"]
    rows: list[list[object]] = []
    notes = []
    for part, each in found["of"].items():
        for unit in ("words", "tokens"):
            if each[unit]:
                rows.append([f"{unit} in {part}", *each[unit].values()])
        if each["windowed"]:
            share = each["windowed"] / report["parts"][part]["texts"]
            notes.append(f"{part} {each['windowed']} ({share:.1%})")
        if "refused" in each:
            notes.append(each["refused"])
    lines += table(["", "50%", "90%", "95%", "99%", "all"], rows)
    if found["encoder"] is None:
        return [*lines, "  Tokens were not counted (--encoder NAME counts them)."]
    limit = f"{found['max_tokens']} tokens of {found['encoder']}"
    if not notes:
        return [*lines, f"  every text fits into one window of {limit}"]
    return [*lines, f"  read in several windows of {limit}: {', '.join(notes)}"]


def _odd(report: Mapping[str, Any], parts: list[str]) -> list[str]:
    found = report["odd"]
    if not found["counts"]:
        return ["Odd texts: none"]
    rows = [[kind, *(each.get(p, 0) for p in parts)] for kind, each in found["counts"].items()]
    lines = ["Odd texts", *table(["", *parts], rows)]
    for kind in found["counts"]:
        first = next((each for each in found["texts"] if each["kind"] == kind), None)
        if first is not None:
            lines.append(f"    {first['where']}: {kind}: {first['found'][:30]!a}")
    return lines


def _suspects(report: Mapping[str, Any], parts: list[str]) -> list[str]:
    if "suspects" not in report:
        return ["Suspicious labels were not looked for (--suspects FILE trains to find them)."]
    found = report["suspects"]
    lines = [
        f"Suspicious labels: {found['texts']} of {found['of']} training texts, by a labeller that "
        f"was trained without them ({found['folds']} folds); the most suspicious first"
    ]
    for each in found["first"][:SHOWN]:
        lines.append(f"    {each['file']}:{each['line']}: {short(each['text'], 70)}")
        lines.append(f"      {short(each['what'], 90)}  (quality {each['quality']:.3f})")
    return lines + _more(found["texts"])


def _more(count: int) -> list[str]:
    return [f"    and {count - SHOWN} more"] if count > SHOWN else []
