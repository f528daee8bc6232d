"""`lingym explain`: what it prints, and its page."""

import json
import re
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lingym.agents import Labeller, Supervised
from lingym.envs import LabelVectorEnv
from lingym.scripts import explain_words
from lingym.scripts.cli import main
from lingym.scripts.compare.markup import VOID
from tests.envs.every_task import FORMS, every_task

CSS = Path(__file__).parents[2] / "scripts" / "explain.css"


class Page(HTMLParser):
    """Checks that tags close in order, and collects the words of every view."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[tuple[str, str]] = []
        self.views: list[list[str]] = []
        self.fetched: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = dict(attrs)
        self.fetched += [str(known[name]) for name in ("src", "href") if name in known]
        if tag in VOID:
            return
        self.open.append((tag, known.get("class") or ""))
        if known.get("class") == "view":
            self.views.append([])

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop()[0] == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1][1].split()[:1] == ["w"]:
            inside = any(kind == "view" for _, kind in self.open)
            if inside:
                self.views[-1].append(data)


def parsed(text: str) -> Page:
    page = Page()
    page.feed(text)
    page.close()
    assert not page.open
    return page


def run_of(form: str, folder: Path) -> Path:
    """A run that learned nothing."""
    dataset = every_task(form)
    agent = Supervised("LabelPolicy", LabelVectorEnv(dataset=dataset), device="cpu", seed=0)
    task = dataset.task
    labeller = Labeller(agent.policy, task.name, dataset.tokenizer, 128, settings=task.saved())
    labeller.save(folder / "model")
    return folder


@pytest.mark.parametrize("form", FORMS)
def test_every_task_has_a_page(form: str, tmp_path: Path) -> None:
    run, out = run_of(form, tmp_path), tmp_path / "page.html"
    data = {"mix": None}.get(form, f"synthetic:{FORMS[form].corpus}?train=4&dev=2&test=2")
    if data is None:
        pytest.skip("a mix is explained in Python")
    method = ["--method", "leave-one-out", "--units", "all"]
    main(["explain", str(run), "--file", data, "--limit", "2", *method, "--out", str(out)])
    page = parsed(out.read_text(encoding="utf-8"))
    assert not page.fetched
    assert len(page.views) >= 2
    assert "worth" in out.read_text(encoding="utf-8")


def test_every_word_stands_once_in_every_view_and_nothing_is_markup(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["<b>play</b>", "&amp;", '"x"', "<script>alert(1)</script>", "play", "'", "</style>"]
    run, out = run_of("tagging", tmp_path), tmp_path / "page.html"
    command = ["explain", str(run), " ".join(words), "--units", "all", "--method", "random"]
    main([*command, "--out", str(out)])
    text = out.read_text(encoding="utf-8")
    page = parsed(text)
    assert len(page.views) == len(words)
    assert all(Counter(view) == Counter(words) for view in page.views)
    assert "<script" not in text and "<b>play" not in text
    assert text.count("</style>") == 1
    capsys.readouterr()
    main([*command, "--json"])
    told: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert told["words"] == words
    assert [len(each["scores"]) for each in told["explained"]] == [len(words)] * len(words)


def test_the_terminal_shows_labels_words_and_worth(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = run_of("classification", tmp_path)
    data = "synthetic:commands?train=4&dev=2&test=2"
    with monkeypatch.context() as patch:
        patch.setattr(explain_words, "LEAST", 1e-9)  # hardly trained: its words matter little
        main(["explain", str(run), "--file", data, "--method", "leave-one-out"])
    told = capsys.readouterr().out
    assert "score" in told and "probability" in told and "against" in told and "█" in told
    with monkeypatch.context() as patch:
        patch.setattr(explain_words, "LEAST", 100.0)  # no attribution comes near it
        main(["explain", str(run), "--file", data, "--method", "leave-one-out"])
    told = capsys.readouterr().out
    assert "no word has 100.0 of it" in told and "█" not in told
    main(["explain", str(run), "--file", data, "--deletion-test", "--tolerance", "0.5"])
    table = capsys.readouterr().out
    names = ["integrated-gradients", "gradient-x-input", "leave-one-out", "rollout", "random"]
    assert [name for name in names if re.search(f"^{name} ", table, re.MULTILINE)] == names


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "give a text, or --file FILE"),
        (["play", "--file", "x.txt"], "give a text, or --file FILE"),
        (["play", "--limit", "0"], "--limit is 0: wanted 1 or more"),
        (["play", "--reward", "accuracy"], "reward accuracy needs gold labels"),
        (["play", "--method", "random", "--label", "nonsense"], "label 'nonsense' is not one of"),
    ],
)
def test_what_cannot_be_explained_is_said(words: list[str], message: str, tmp_path: Path) -> None:
    run = run_of("classification", tmp_path)
    with pytest.raises(SystemExit, match=f"lingym: error: .*{message}"):
        main(["explain", str(run), *words])


def luminance(colour: np.ndarray) -> float:
    part = colour / 255
    linear = np.where(part <= 0.04045, part / 12.92, ((part + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def contrast(one: np.ndarray, other: np.ndarray) -> float:
    bright, dark = sorted([luminance(one), luminance(other)], reverse=True)
    return (bright + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_words_can_be_read_on_every_colour(mode: str) -> None:
    """WCAG's 4.5 to 1, at every strength of both colours."""
    sheet = CSS.read_text(encoding="utf-8")
    part = re.findall(r":root \{(.*?)\}", sheet, re.DOTALL)[mode == "dark"]
    values = dict(re.findall(r"--([\w-]+): ([^;]+?)\s*(?:;|$)", part.strip()))

    def hexed(name: str) -> np.ndarray:
        return np.array([int(values[name][place : place + 2], 16) for place in (1, 3, 5)], float)

    ground, ink = hexed("ground"), hexed("ink")
    assert contrast(hexed("soft"), ground) >= 4.5
    assert contrast(hexed("good"), ground) >= 4.5 and contrast(hexed("bad"), ground) >= 4.5
    for name in ("for", "against"):
        colour = np.array([float(number) for number in values[name].split()])
        for strength in np.linspace(0, 1, 11) * float(values["strength"]):
            assert contrast(strength * colour + (1 - strength) * ground, ink) >= 4.5
