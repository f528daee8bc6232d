"""The drift experiment on generated commands: its figures, table and picture."""

import json
from pathlib import Path

import pytest

from lingym.envs.corpora import read_records
from lingym.scripts.cli import main


@pytest.fixture
def domains(tmp_path: Path) -> dict[str, Path]:
    """Commands and the same commands shouted backwards, with four labels."""
    files = {}
    for split in ("train", "test"):
        records = read_records("synthetic:commands?train=120&dev=6&test=30", split)
        for name in ("a", "b"):
            files[f"{name}_{split}"] = file = tmp_path / f"{name}-{split}.jsonl"
            with file.open("w") as out:
                for record in records:
                    words = record["tokens"] if name == "a" else record["tokens"][::-1]
                    row = {"text": " ".join(words), "label": record["intent"]}
                    out.write(json.dumps(row) + "\n")
    return files


def test_each_share_of_replay_is_measured_on_both_domains(
    domains: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "drift"
    files = (
        f"--a {domains['a_train']} --b {domains['b_train']} --test-a {domains['a_test']} "
        f"--test-b {domains['b_test']} --out {out} "
    )
    main(
        f"bench drift {files} --encoder tiny --start 30 --stream-a 20 --stream-b 30 --every 20 "
        "--delay 4 --batch-size 8 --replays 0 0.5 --seeds 1 --device cpu --labels-kept "
        "play_music,set_alarm,get_weather,book_restaurant".split()
    )
    found = json.loads((out / "drift.json").read_text())
    assert found["metric"] == "accuracy"
    assert [(r["seed"], r["replay"]) for r in found["runs"]] == [(0, 0), (0, 0.5)]
    for run in found["runs"]:
        assert [point["texts"] for point in run["curve"]] == [0, 20, 40, 50]
        assert all(0 <= point[domain] <= 1 for point in run["curve"] for domain in "ab")
    first, second = found["runs"]
    assert first["curve"][0]["a"] == second["curve"][0]["a"]  # they begin alike
    printed = capsys.readouterr().out
    assert "A, before B" in printed
    rows = [line.split() for line in printed.splitlines() if line.startswith("replay")]
    wanted = [
        [run["curve"][place][domain] for domain in "ab" for place in (1, 3)]
        for run in found["runs"]
    ]
    assert [[float(cell) for cell in row[2:]] for row in rows] == [
        [round(value, 3) for value in row] for row in wanted
    ]
    assert (out / "drift.png").stat().st_size > 10_000
    with pytest.raises(SystemExit, match="texts with these labels; wanted 2000 or more"):
        main(f"bench drift {files} --encoder tiny --stream-b 2000 --start 9 --stream-a 1".split())
    with pytest.raises(
        SystemExit, match=r"b-train.jsonl has \d+ texts with these labels; wanted 90"
    ):
        main(
            f"bench drift {files} --start 9 --stream-a 1 --stream-b 90 "
            "--labels-b play_music".split()
        )
