"""The demo, small: three runs, a table, a picture; and a second demo in the same place."""

import json

from lingym.scripts.cli import main
from lingym.scripts.demonstration import table


def test_demo_compares_three_runs_on_test(tmp_path, capsys):
    words = (
        f"demo --out {tmp_path} --encoder tiny --corpus synthetic:commands?train=64&dev=16&test=16 "
        "--supervised-episodes 64 --further-episodes 32"
    )
    main(words.split())
    main(words.split())  # an older demo is replaced
    shown = capsys.readouterr().out
    names = ("supervised", "ppo", "supervised-longer")
    tests = [json.loads((tmp_path / n / "metrics.json").read_text())["test"] for n in names]
    for scores in tests:
        assert f"{scores['entity_f1']:.4f}" in shown
    assert "supervised, then PPO" in shown
    assert (tmp_path / "learning-curves.png").read_bytes().startswith(b"\x89PNG")


def test_table_has_a_row_a_run():
    scores = {"entity_f1": 0.5, "precision": 0.25, "recall": 1.0, "accuracy": 0.75}
    run = {"test": scores, "training": {"seconds": 12.4}}
    lines = table({"one": run, "another": run}).splitlines()
    assert lines[1].split()[-5:] == ["entity_f1", "precision", "recall", "accuracy", "seconds"]
    assert lines[2].split() == ["one", "0.5000", "0.2500", "1.0000", "0.7500", "12"]
    assert len(lines) == 4
