"""What to label next by command: picked texts, a chooser that is learned, and the curves."""

import json
from pathlib import Path

import pytest

from lingym.scripts.active_results import area, results, table
from lingym.scripts.cli import main

CORPUS = "synthetic:commands?train=60&dev=12&test=12"
SHARED = f"--task classification --corpus {CORPUS} --encoder tiny --max-tokens 32 --device cpu"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("active") / "run"
    words = "--agent supervised --tune frozen --episodes 32 --batch-size 8"
    main(f"train {SHARED} {words} --out {out}".split())
    return out


def test_picked_texts_are_written_as_they_were_read(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    texts = ["wake me at seven", "play some jazz", "stop", "is it raining", "call my mother now"]
    pool, labelled, out = (tmp_path / f"{name}.jsonl" for name in ("pool", "labelled", "out"))
    rows = [{"text": text, "id": place} for place, text in enumerate(texts)]
    pool.write_text("".join(json.dumps(row) + "\n" for row in rows))
    labelled.write_text(json.dumps({"text": "stop", "label": "anything"}) + "\n")
    words = f"label-next {run} {pool} --labelled {labelled} --device cpu"
    for how in ("entropy", "k-center", "random", "bald"):
        main(f"{words} --n 3 --how {how} --out {out}".split())
        assert "1 of 5 texts of" in capsys.readouterr().err
        found = [json.loads(line) for line in out.read_text().splitlines()]
        assert len({row["id"] for row in found}) == 3 and "stop" not in {r["text"] for r in found}
        for row in found:
            assert rows[row["id"]] == {"text": row["text"], "id": row["id"]}
            assert row["where"] == f"{pool}:{row['id'] + 1}"
        scores = [row["score"] for row in found]
        assert scores == sorted(scores, reverse=True)
        main(f"{words} --n 3 --how {how}".split())
        assert capsys.readouterr().out == out.read_text()
    for wrong, message in (
        ("--n 5", "has 4 texts without a label"),
        ("--n 0", "--n is 0"),
        ("--how luck", "no way 'luck' to choose, and no such folder"),
    ):
        with pytest.raises(SystemExit, match=message):
            main(f"{words} {wrong}".split())
    pool.write_text(json.dumps({"text": "stop it", "score": 1}) + "\n")
    with pytest.raises(SystemExit, match=r"pool.jsonl:1: the text has a field 'score' already"):
        main(f"{words} --n 1".split())


def test_a_chooser_is_learned_and_used(run: Path, tmp_path: Path) -> None:
    out, pool = tmp_path / "chooser", tmp_path / "pool.txt"
    words = "--updates 1 --samples 2 --horizon 2 --candidates 3 --start 4 --steps 3"
    main(f"learn-next {SHARED} {words} --out {out}".split())
    assert json.loads((out / "chooser.json").read_text())["about"]["corpus"] == CORPUS
    pool.write_text("wake me\nplay jazz\nstop\n")
    picked = tmp_path / "picked.jsonl"
    main(f"label-next {run} {pool} --how {out} --n 2 --out {picked} --device cpu".split())
    assert len(picked.read_text().splitlines()) == 2
    with pytest.raises(SystemExit, match="holds a policy already"):
        main(f"learn-next {SHARED} --out {out}".split())


def test_curves_go_on_where_they_were_broken_off(tmp_path: Path) -> None:
    out = tmp_path / "curves"
    words = f"bench active {SHARED} --start 6 --rounds 2 --n 4 --passes 1 --draws 0 --episodes 16"
    words = f"{words} --batch-size 8 --bandit-arms random entropy-mean --arms random bandit"
    main(f"{words} --out {out}".split())
    rows = [json.loads(line) for line in (out / "rows.jsonl").read_text().splitlines()]
    assert [(row["arm"], row["texts"]) for row in rows] == [
        (arm, texts) for arm in ("random", "bandit") for texts in (6, 10, 14)
    ]
    assert rows[0]["rows"] == rows[3]["rows"] and rows[0]["value"] == rows[3]["value"]
    assert all(0 <= row["reward"] <= 1 for row in rows[4:])
    assert {"results.json", "active.png", "active.md"} <= {file.name for file in out.iterdir()}
    whole = {file: file.read_text() for file in (out / "runs").iterdir()}
    broken = out / "runs" / "bandit-0.json"
    broken.write_text(json.dumps(json.loads(whole[broken])[:2]))
    main(f"{words} --out {out}".split())

    def timeless(text: str) -> list[dict[str, object]]:
        return [{k: v for k, v in each.items() if k != "seconds"} for each in json.loads(text)]

    assert timeless(broken.read_text()) == timeless(whole[broken])
    with pytest.raises(SystemExit, match=r"holds a comparison with other options \(n\)"):
        main(f"{words} --n 5 --out {out}".replace("--n 4 ", "").split())


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--arms entropy", "--arms need random"),
        ("--arms random luck", "no way 'luck'"),
        ("--arms random bandit --bandit ucb --bandit-reward weighted", "weighted needs a chance"),
        ("--bandit-arms margin bald", "weighted needs a chance"),
        ("--rounds 0", "--rounds must be 1 or more"),
        ("--few-shot 3", "--few-shot and --zero-shot say what is labelled"),
        ("--start 50 --rounds 2 --n 10", "want 70 texts, and there are 60"),
    ],
)
def test_comparisons_that_mean_nothing_are_refused(
    tmp_path: Path, words: str, message: str
) -> None:
    with pytest.raises(SystemExit, match=message):
        main(f"bench active {SHARED} {words} --out {tmp_path / 'curves'}".split())


def test_areas_are_mean_heights_over_labels_that_all_have() -> None:
    def rows(
        arm: str, draw: int, labels: list[int], values: list[float]
    ) -> list[dict[str, object]]:
        shared = {"arm": arm, "draw": draw, "metric": "accuracy", "split": "test"}
        points = enumerate(zip(labels, values, strict=True))
        return [
            {**shared, "round": r, "texts": 10 + r, "labels": n, "value": v} for r, (n, v) in points
        ]

    one = rows("random", 0, [10, 20, 30], [0.0, 1.0, 1.0])
    assert area(one, 30) == pytest.approx(0.75) and area(one, 15) == pytest.approx(0.25)
    every = [*one, *rows("long", 0, [10, 30, 50], [0.0, 0.5, 1.0])]
    every += rows("random", 1, [10, 15, 20], [0.5, 0.5, 0.5])
    every += rows("long", 1, [10, 15, 20], [0.5, 0.6, 0.7])
    found = results(every, "random")
    assert found["arms"][1]["area"]["values"] == pytest.approx([0.25, 0.6])
    assert found["arms"][1]["against"]["values"] == pytest.approx([-0.5, 0.1])
    assert "against" not in found["arms"][0]
    assert "| long | 0.2500" in table(found)
