"""The report of studies that nobody ran: the page, the Markdown, and a browser that opens it."""

import json
import os
import re
import shutil
import subprocess
from html.parser import HTMLParser

import pytest

from lingym.scripts.compare import report
from lingym.scripts.compare.markdown import plain
from lingym.scripts.compare.wording import answer, duration, gain, interval, score
from tests.scripts.compare.made_results import ARMS, LABELS, NAMES, made_results

SECTIONS = (
    *("verdicts", "differences", "across", "scores", "curves", "efficiency", "imbalance"),
    *("errors", "cost", "repeats", "looks", "settings", "commands", "study", "versions"),
)
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
BROWSER = next((found for name in BROWSERS if (found := shutil.which(name))), None)


class Reader(HTMLParser):
    """What a page holds; every element that is opened must be closed in its turn."""

    def __init__(self):
        super().__init__()
        self.open, self.ids, self.text, self.tags, self.fetched = [], [], [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        given = dict(attrs)
        assert len(given) == len(attrs)
        self.fetched += [given[name] for name in ("src", "href", "xlink:href") if name in given]
        if "id" in given:
            self.ids.append(given["id"])
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def written(out, results):
    (out / "results.json").write_text(json.dumps(results), encoding="utf-8")
    return report.write(out)


def read(page):
    reader = Reader()
    reader.feed(page.read_text(encoding="utf-8"))
    reader.close()
    assert reader.open == []
    return reader


def sections_of(reader):
    return [each for each in reader.ids if each in SECTIONS]


@pytest.fixture(scope="module")
def ten(tmp_path_factory):
    out = tmp_path_factory.mktemp("ten")
    results = made_results()
    return results, written(out, results)


def test_all_sections_in_order_and_the_verdict_table_before_everything_else(ten):
    reader = read(ten[1])
    assert sections_of(reader) == list(SECTIONS)
    assert reader.ids == list(SECTIONS)
    table, svg = reader.tags.index("table"), reader.tags.index("figure")
    assert table < svg
    text = " ".join(reader.text)
    assert text.index("The study cannot tell them apart") < text.index("wider axis")
    assert ten[1].stat().st_size < 2e6


def test_nothing_is_fetched_and_nothing_is_run(ten):
    reader = read(ten[1])
    assert "script" not in reader.tags
    assert not {"link", "img", "iframe", "object"} & set(reader.tags)
    assert reader.fetched == [f"#{each}" for each in SECTIONS]
    whole = ten[1].read_text(encoding="utf-8")
    assert not re.findall(r"@import|url\(|(?:src|href)=[\"']?https?:", whole)
    assert not re.search(r"\son\w+=", whole)


def test_the_answer_counts_verdicts_and_nothing_else():
    results = made_results(data=4, arms=5)
    words = ["better", "better", "worse", "no difference seen"]
    for arm in ("supervised, then PPO", "supervised, then REINFORCE"):
        own = [d for d in results["differences"] if d["arm"] == arm]
        for each, verdict in zip(own, words if "PPO" in arm else ["better"] * 4, strict=True):
            each["verdict"] = verdict
    extra = {**results["differences"][-1], "against": "supervised, class weights"}
    results["differences"].append({**extra, "verdict": "worse"})
    assert answer(results) == [
        "“supervised, then PPO” was better than “supervised” on 2 of 4 data sets, worse on 1, and "
        "no difference was seen on 1.",
        "“supervised, then REINFORCE” was better than “supervised” on 4 of 4 data sets, worse on "
        "0, and no difference was seen on 0.",
    ]
    results["arms"] = [arm for arm in results["arms"] if "then" not in arm["name"]]
    assert [told.partition(" was")[0] for told in answer(results)] == [
        "“supervised, class weights”",
        "“supervised, tuned thresholds”",
    ]
    assert answer({**results, "differences": []}) == ["Nothing was compared yet."]


def test_the_verdict_table_says_every_difference_in_words_and_shape(ten):
    results, page = ten
    lines = (page.parent / "report.md").read_text(encoding="utf-8").splitlines()
    start = next(n for n, line in enumerate(lines) if line.startswith("| data set"))
    rows = [[c.strip() for c in line.strip("|").split("|")] for line in lines[start : start + 12]]
    heads = dict(enumerate(rows[0]))
    assert len(rows[2:]) == len(results["data"])
    shape = {"better": "▲", "worse": "▼", "no difference seen": "○"}
    for row, data in zip(rows[2:], results["data"], strict=True):
        assert row[0] == f"{data['name']} · {data['metric']}"
        own = {d["arm"]: d for d in results["differences"] if d["data"] == data["name"]}
        base = next(s for s in results["scores"] if s["data"] == data["name"])
        assert row[1] == f"{score(base['test'])} · {interval(base)}".replace("\xa0", " ")
        assert set(heads.values()) == {"data set, metric", "supervised", *own}
        for n, cell in list(enumerate(row))[2:]:
            each = own[heads[n]]
            told = f"{gain(each['mean'])} {interval(each, True)}"
            start = f"{shape[each['verdict']]} {each['verdict']} · {told}"
            assert cell.startswith(start.replace("\xa0", " "))


def test_what_a_study_lacks_has_no_section(tmp_path):
    page = written(tmp_path, made_results(data=1, arms=3, seeds=1, full=False))
    reader = read(page)
    lacking = {"efficiency", "imbalance", "errors", "repeats"}
    assert set(sections_of(reader)) == set(SECTIONS) - lacking
    text = " ".join(reader.text)
    assert "Not finished: 10 runs of 400 are not done." in text
    assert "One seed" in text


def test_it_is_told_where_test_is_held_out_training_texts(tmp_path):
    results = made_results(data=2, arms=2)
    assert "held out, on" not in " ".join(read(written(tmp_path, results)).text)
    results["data"][1]["held_out"] = True
    name = results["data"][1]["name"]
    text = " ".join(read(written(tmp_path, results)).text)
    assert f"Test stands for training texts that were held out, on {name}" in text


def test_a_study_of_which_nothing_is_done(tmp_path):
    results = made_results(data=2, arms=2, full=False)
    parts = ("scores", "differences", "across", "curves", "tries")
    results |= {part: [] for part in parts} | {"commands": {}}
    results["cells"]["done"] = 0
    text = " ".join(read(written(tmp_path, results)).text)
    assert "Nothing was compared yet." in text
    assert "Not scored yet: snips and conll2003." in text


def test_fifteen_data_sets_and_nine_arms(tmp_path):
    page = written(tmp_path, made_results(data=15, arms=9))
    text = " ".join(read(page).text)
    assert all(name in text for name in NAMES)
    assert all(arm in text for arm, *_ in ARMS)
    assert page.stat().st_size < 2e6


def test_without_numbers_there_are_dashes_and_no_interval(tmp_path):
    results = made_results(data=2, arms=4)
    for each in (*results["scores"], *results["differences"], *results["across"]):
        each |= {"low": float("-inf"), "high": None}
    for each in results["curves"]:
        for point in (*each["points"], *((each["start"] or {}).get("points", ()))):
            point["tokens"] = None
    for each in results["scores"]:
        each |= {"tokens": None, "peak_memory_mb": None, "dev": float("nan")}
    results["commands"]["snips/s0/warm"] = None
    reader = read(written(tmp_path, results))
    text = " ".join(reader.text)
    assert "(no interval)" in text
    assert not re.search(r"\b(nan|inf|None|null)\b", text)
    names = sorted(file.name for file in (tmp_path / "figures").iterdir())
    assert "learning-tokens.svg" not in names
    assert "learning-seconds.svg" in names


def test_every_name_is_escaped(ten, tmp_path):
    results, page = ten
    reader = read(page)
    assert reader.tags.count("html") == 1
    assert "slots" not in reader.tags
    text = " ".join(reader.text)
    assert all(label in text for label in LABELS)
    markdown = (page.parent / "report.md").read_text(encoding="utf-8")
    assert "&lt;html&gt;" in markdown
    assert "<html>" not in re.sub(r"^`{3,}.*?^`{3,}$", "", markdown, flags=re.M | re.S)
    assert "](http" not in markdown
    hard = "<script>alert(1)</script> & \"x\" 'y' | `z` </title>"
    results = made_results(data=2, arms=5)
    replaced = json.dumps(results, ensure_ascii=False)
    for name in ("supervised, then REINFORCE", "snips"):
        replaced = replaced.replace(f'"{name}"', json.dumps(f"{name} {hard}"))
    results = json.loads(replaced)
    results["study"] |= {"name": hard, "about": hard, "text": f"a: |\n  ```\n  {hard}\n"}
    reader = read(written(tmp_path, results))
    assert "script" not in reader.tags
    assert f"snips {hard}" in " ".join(reader.text)
    for figure in (tmp_path / "figures").iterdir():
        assert "<script" not in figure.read_text(encoding="utf-8")
    markdown = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert "````yaml\na: |\n  ```\n" in markdown


def test_looks_again_broken_chains_and_repeats_are_said_beside_the_answer(tmp_path):
    results = made_results(data=2, arms=5)
    look = {"time": "2026-11-22", "data": "snips", "arm": "supervised, then PPO", "seed": 1}
    results["looks"] |= {"again": [{**look, "reason": "a bug in the scorer"}], "intact": False}
    changed = next(d for d in results["differences"] if d["without_repeats"])
    changed["verdict"], changed["without_repeats"]["verdict"] = "better", "no difference seen"
    text = " ".join(read(written(tmp_path, results)).text)
    before = text.partition("How the intervals")[0]
    assert "Test was looked at again on snips" in before
    assert "test was looked at again" in before
    assert "ledger of looks at test was changed" in before
    assert "the verdict is another for supervised, class weights on snips" in before
    assert "; without repeats no difference seen" in before
    assert "a bug in the scorer" in text
    assert "CHAIN IS BROKEN" in text


def test_looks_whose_figures_were_left_out_are_told(tmp_path):
    results = made_results(data=2, arms=5)
    look = {"time": "2026-11-22", "data": "snips", "arm": "an arm of once", "seed": 0}
    results["looks"]["unshown"] = [{**look, "reason": None}]
    text = " ".join(read(written(tmp_path, results)).text)
    assert "1 look whose figures are not in this report" in text
    assert "an arm of once" in text.partition("1 look whose")[2]
    assert "No test split was looked at again" in text


def test_comparisons_with_the_best_arm_are_a_table_of_their_own(tmp_path):
    results = made_results(data=2, arms=5)
    other = {**results["differences"][3], "against": "supervised, class weights"}
    results["differences"].append(other)
    written(tmp_path, results)
    markdown = (tmp_path / "report.md").read_text(encoding="utf-8")
    row = "| snips | supervised, then REINFORCE | supervised, class weights |"
    assert markdown.count(row) == 1


def test_the_same_results_give_the_same_files_and_old_figures_go(tmp_path):
    written(tmp_path, made_results(data=3, arms=5))
    files = [tmp_path / "report.html", tmp_path / "report.md", *(tmp_path / "figures").iterdir()]
    before = {file: file.read_bytes() for file in files}
    (tmp_path / "figures" / "old.svg").write_text("<svg/>")
    report.write(tmp_path)
    assert {file: file.read_bytes() for file in before} == before
    assert not (tmp_path / "figures" / "old.svg").exists()


def test_markdown_links_to_every_figure_and_to_nothing_else(ten):
    folder = ten[1].parent
    text = (folder / "report.md").read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)]+)\)", text)
    assert sorted(links) == sorted(f"figures/{f.name}" for f in (folder / "figures").iterdir())
    widths = [len(re.findall(r"(?<!\\)\|", row)) for row in text.splitlines() if row[:1] == "|"]
    assert min(widths) > 2
    assert plain("a_b _c_ *d* [x](y) <e> \\ | #1") == (
        r"a_b \_c\_ \*d\* [x]\(y) &lt;e&gt; \\ \| \#1"
    )


def test_what_cannot_be_read_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"results\.json is not there"):
        report.write(tmp_path)
    (tmp_path / "results.json").write_text('{"study": \n {,}')
    with pytest.raises(ValueError, match=r"results\.json:2: "):
        report.write(tmp_path)
    results = made_results(data=1, arms=2)
    del results["looks"]
    with pytest.raises(ValueError, match="has no 'looks'"):
        written(tmp_path, results)


def test_numbers_as_a_reader_wants_them():
    minus, dash = "\u2212", "\u2013"
    told = [gain(value) for value in (0.0124, -0.0126, -0.0004, None)]
    assert told == ["+0.012", f"{minus}0.013", "0.000", dash]
    signed = interval({"low": -0.1, "high": 0.2}, signed=True)
    assert signed == f"[{minus}0.100,\xa0+0.200]"
    assert interval({"low": None, "high": 0.2}) == ""
    assert [duration(s) for s in (3.21, 70, 1000, 9000)] == [
        "3.2 s",
        "70 s",
        "17 min",
        "2 h 30 min",
    ]


@pytest.mark.skipif(BROWSER is None, reason="no Chromium")
@pytest.mark.parametrize("width", [1200, 400])
def test_a_browser_shows_it(ten, tmp_path, width):
    shot, log = tmp_path / "page.png", tmp_path / "log.txt"
    command = [
        *(BROWSER, "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"),
        *(f"--user-data-dir={tmp_path / 'profile'}", "--enable-logging=stderr", "--v=0"),
        *("--host-resolver-rules=MAP * ~NOTFOUND", f"--window-size={width},2400"),
        *(f"--screenshot={shot}", "--dump-dom", ten[1].as_uri()),
    ]
    env = {**os.environ, "DBUS_SESSION_BUS_ADDRESS": "disabled:"}
    with log.open("w") as errors:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=errors, env=env, timeout=240)
    assert done.returncode == 0
    dom = done.stdout.decode()
    assert all(f'<section id="{each}">' in dom for each in SECTIONS)
    assert "CONSOLE" not in log.read_text(errors="replace")
    assert shot.read_bytes().startswith(b"\x89PNG")
    assert shot.stat().st_size > 50_000
