"""The report's drawings: what is where, and that each is a file of its own."""

import re
import xml.etree.ElementTree as ElementTree

import pytest

from lingym.scripts.compare.blocks import Table
from lingym.scripts.compare.figures import COLOURS, MARKS, Axis, padded, wrapped
from lingym.scripts.compare.figures_across import across
from lingym.scripts.compare.figures_curves import efficiency, learning, over_seeds
from lingym.scripts.compare.figures_file import drawing
from lingym.scripts.compare.figures_forest import forest, strip
from lingym.scripts.compare.figures_labels import clear_of_zero, errors, imbalance
from lingym.scripts.compare.markup import Markup, attribute, tag
from tests.scripts.compare.made_results import made_results

SVG = "{http://www.w3.org/2000/svg}"


def arms_of(results):
    return {arm["name"]: number for number, arm in enumerate(results["arms"])}


def parsed(body):
    return ElementTree.fromstring(f'<svg xmlns="http://www.w3.org/2000/svg">{body}</svg>')


def marks(body):
    """Pixels, class and words of every mark."""
    found = []
    for path in parsed(body).iter(f"{SVG}path"):
        place = re.fullmatch(r"translate\((\S+) (\S+)\)", path.get("transform"))
        title = path.findtext(f"{SVG}title")
        found.append((float(place[1]), float(place[2]), path.get("class"), title))
    return found


def test_an_axis_puts_values_where_they_belong():
    axis = Axis(0.0, 2.0, 10, 110)
    assert [axis(v) for v in (0.0, 1.0, 2.0)] == [10, 60, 110]
    assert axis.ticks() == [0.0, 0.5, 1.0, 1.5, 2.0]
    down = Axis(-0.01, 0.02, 200, 0)
    assert down(0.02) == 0
    assert down.ticks() == [-0.01, 0.0, 0.01, 0.02]
    log = Axis(1.0, 10_000.0, 0, 400, log=True)
    assert log(100.0) == pytest.approx(200)
    assert log.ticks() == [1, 10, 100, 1000, 10_000]
    assert Axis(15, 90, 0, 1, log=True).ticks() == [20, 50]


def test_limits_are_wider_than_values_even_where_all_are_one():
    assert padded([1.0, 2.0], 0.1) == pytest.approx((0.9, 2.1))
    for value in (0.0, 0.5, -3.0):
        low, high = padded([value])
        assert low < value < high


def test_names_are_broken_into_lines_and_never_cut():
    for name in ("squad_v1_by_article", "a name of many short words", "x" * 70, "", "日本語" * 20):
        lines = wrapped(name, 80)
        assert "".join("".join(lines).split()) == "".join(name.split())
        assert all(len(line) <= 12 for line in lines)
    assert wrapped("semeval2010_task8", 80) == ["semeval2010_", "task8"]


def test_markup_escapes_all_but_markup():
    assert tag("b", "<i>", Markup("<i></i>"), title='"') == '<b title="&quot;">&lt;i&gt;<i></i></b>'
    assert tag("br", class_=None, hidden=True) == "<br hidden>"
    assert [attribute(v) for v in (1.0, 0.126, -0.001, 3, "a&b")] == [
        "1",
        "0.13",
        "0",
        "3",
        "a&amp;b",
    ]


def test_a_table_of_unequal_rows_is_refused():
    with pytest.raises(ValueError, match="has 1 cells: wanted 2"):
        Table(("a", "b"), [["x"]], "lr")


def test_forest_marks_lie_at_the_differences_with_the_verdicts_shape():
    results = made_results(data=6, arms=6)
    arms = arms_of(results)
    figure = forest(results, arms)
    assert [panel.title for panel in figure.panels] == [
        f"{arm} \N{MINUS SIGN} supervised" for arm in list(arms)[1:]
    ]
    for panel, arm in zip(figure.panels, list(arms)[1:], strict=True):
        own = [d for d in results["differences"] if d["arm"] == arm]
        found = marks(panel.body)
        assert len(found) == len(own)
        assert [y for _, y, *_ in found] == sorted(y for _, y, *_ in found)
        places = [x for x, *_ in found]
        means = [d["mean"] for d in own]
        order = sorted(range(len(own)), key=means.__getitem__)
        assert order == sorted(range(len(own)), key=places.__getitem__)
        for (_, _, kind, told), each in zip(found, own, strict=True):
            none = each["verdict"] == "no difference seen"
            assert kind == f"{'ring' if none else 'dot'} a{arms[arm]}"
            assert told.startswith(each["data"])
            assert told.endswith(each["verdict"])
    lines = [parsed(panel.body).find(f"{SVG}line[@class='zero']") for panel in figure.panels]
    # All but learning from bandit feedback differ by little, and share an axis.
    assert len({line.get("x1") for line in lines[:-1]}) == 1
    assert ["a wider axis" in panel.body for panel in figure.panels] == [False] * 4 + [True]


def test_curves_are_means_over_seeds_after_the_warm_start():
    start = {"tokens": 100, "seconds": 5.0}
    curves = [
        {"points": [{"texts": t, "tokens": t * k, "metric": 0.1 * k} for t in (0, 10)], "start": s}
        for k, s in ((1, start), (3, start))
    ]
    curves[1]["points"].append({"texts": 20, "tokens": 60, "metric": 0.9})
    assert over_seeds(curves, "tokens") == [
        pytest.approx((100, 0.2, 0.1, 0.3)),
        pytest.approx((120, 0.2, 0.1, 0.3)),
        pytest.approx((160, 0.9, 0.9, 0.9)),
    ]


@pytest.mark.parametrize("unit", ["tokens", "seconds"])
def test_learning_curves_show_the_warm_start_and_zoom_in_on_what_came_after(unit):
    results = made_results(data=3, arms=6)
    figure = learning(results, arms_of(results), unit)
    assert [panel.title.split()[0] for panel in figure.panels] == ["snips", "conll2003", "wnut17"]
    assert [name for _, name in figure.arms] == [a["name"] for a in results["arms"] if a["agent"]]
    for panel in figure.panels:
        tree = parsed(panel.body)
        assert tree.find(f"{SVG}rect[@class='warm']") is not None
        lines = [line.get("class") for line in tree.iter(f"{SVG}polyline")]
        assert lines == ["line plain", *(f"line a{n}" for n in (0, 1, 3, 4, 5))]
        assert len(list(tree.iter(f"{SVG}polygon"))) == 5
        ends = {kind: y for _, y, kind, _ in marks(panel.body)}
        assert ends["dot a5"] > 190  # below the panel, where it is cut off and told in words
        assert max(y for kind, y in ends.items() if kind != "dot a5") < 190
        assert "↓ RL from bandit feedback" in panel.body


def test_label_gains_are_filled_where_the_interval_is_clear_of_zero():
    results = made_results(data=2, arms=5)
    arm = "supervised, then PPO"
    figure = imbalance(results, arm, arms_of(results))
    rows = [r for r in results["labels"] if (r["data"], r["arm"]) == ("snips", arm)]
    found = marks(figure.panels[0].body)
    assert len(found) == len(rows)
    filled = sum(kind.startswith("dot") for *_, kind, _ in found)
    assert 0 < filled == sum(clear_of_zero(row) for row in rows) < len(rows)
    places = {told.rpartition(": ")[0]: x for x, _, _, told in found}
    counts = {row["label"]: row["train_count"] for row in rows}
    assert places["label 22"] < places["label 10"] < places["<html>"]
    assert counts["label 22"] == 0
    assert ">never<" in figure.panels[0].body
    assert imbalance(results, "supervised", arms_of(results)) is None


def test_errors_efficiency_and_all_data_sets_together():
    results = made_results(data=4, arms=5)
    arms = arms_of(results)
    assert len(marks(errors(results, arms).panels[0].body)) == 5 * 3
    panel = efficiency(results, arms).panels[0]
    assert len(marks(panel.body)) == 2 * 4
    assert "gold texts, log axis" in panel.body
    whole = across(results, arms)
    assert [len(marks(panel.body)) for panel in whole.panels] == [5, 4]
    empty = {**results, "errors": [], "efficiency": [], "across": [], "curves": []}
    empty["differences"] = []
    for draw in (errors, efficiency, across, forest):
        assert draw(empty, arms) is None
    assert learning(empty, arms, "tokens") is None


def test_a_score_beyond_its_strip_is_an_arrow():
    axis = Axis(0.5, 0.6, 6, 130)
    inside = strip({"test": 0.55, "low": 0.4, "high": 0.58}, axis, 1)
    assert "whisker a1" in inside
    assert 'x1="6"' in inside
    for test, arrow in ((0.2, "◂"), (0.9, "▸")):
        beyond = strip({"test": test, "low": test, "high": test}, axis, 1)
        assert arrow in beyond
        assert "whisker" not in beyond


def test_a_figure_is_a_file_that_stands_alone():
    results = made_results(data=5, arms=6)
    arms = arms_of(results)
    figure = learning(results, arms, "tokens")
    text = drawing(figure)
    tree = ElementTree.fromstring(text)
    width, height = float(tree.get("width")), float(tree.get("height"))
    assert tree.get("viewBox") == f"0 0 {width:g} {height:g}"
    panels = [each for each in tree if each.tag == f"{SVG}svg"]
    assert len(panels) == 5
    boxes = [tuple(float(p.get(n)) for n in ("x", "y", "width", "height")) for p in panels]
    for n, (x, y, w, h) in enumerate(boxes):
        assert x >= 0 and y >= 0 and x + w <= width and y + h <= height
        for x2, y2, *_ in boxes[n + 1 :]:
            assert x2 >= x + w or y2 >= y + h or x2 + w <= x
    assert "prefers-color-scheme: dark" in text
    assert not re.findall(r"(?:href|src|url\(|@import)", text)
    assert text == drawing(learning(made_results(data=5, arms=6), arms, "tokens"))


def test_arms_differ_by_mark_and_by_colour():
    assert len(set(MARKS)) == len(MARKS)
    pairs = {(n % COLOURS, n % len(MARKS)) for n in range(COLOURS * len(MARKS))}
    assert len(pairs) == COLOURS * len(MARKS)
