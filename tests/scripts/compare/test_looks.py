"""The guard over test texts: one look, a reason for a second, and a ledger that shows tampering."""

import json
from dataclasses import replace

import pytest

from lingym.scripts.compare import looks
from lingym.scripts.compare.looks import Look, look

FIRST = Look("snips", "PPO", 0, 1.0, {"learning_rate": 5e-05}, "a" * 64, "b" * 64, "lingym bench")


def score_row(line):
    return {"kind": "score", "look_sha256": line}


def test_a_second_look_needs_a_reason(tmp_path):
    assert look(tmp_path, FIRST)[0] == 1
    for other in (replace(FIRST, seed=1), replace(FIRST, share=0.2), replace(FIRST, arm="RL")):
        assert look(tmp_path, other)[0] == 1  # others' looks
    for again in (FIRST, replace(FIRST, model="c" * 64, chosen={"learning_rate": 1e-4})):
        with pytest.raises(ValueError, match="needs --look-again"):
            look(tmp_path, again)
    with pytest.raises(ValueError, match=r"chosen \{.*5e-05\}, now \{.*0.0001\}, another model"):
        look(tmp_path, again)
    assert len(looks.read(tmp_path)) == 4  # a look that was refused is none
    assert look(tmp_path, again, "the grid was too small")[0] == 2
    assert look(tmp_path, again, "once more")[0] == 3
    told = looks.summary(tmp_path, [])
    assert (told["first"], told["intact"]) == (4, True)
    assert [one["reason"] for one in told["again"]] == ["the grid was too small", "once more"]


def test_a_first_look_has_no_reason_even_where_one_was_given(tmp_path):
    look(tmp_path, FIRST, "whatever")
    assert looks.read(tmp_path)[0]["reason"] is None
    assert looks.summary(tmp_path, [])["again"] == []


def test_what_was_broken_off_is_repeated_with_the_same_model_only(tmp_path):
    look(tmp_path, FIRST)
    assert look(tmp_path, FIRST, broken_off=True)[0] == 1
    assert looks.summary(tmp_path, [])["first"] == 1
    for other in (
        replace(FIRST, model="c" * 64),
        replace(FIRST, test="c" * 64),
        replace(FIRST, chosen={}),
    ):
        with pytest.raises(ValueError, match="needs --look-again"):
            look(tmp_path, other, broken_off=True)


def test_all_are_scored_on_the_same_texts(tmp_path):
    look(tmp_path, FIRST)
    other = replace(FIRST, arm="RL", test="c" * 64)
    with pytest.raises(ValueError, match="others than 'PPO', seed 0, was scored on"):
        look(tmp_path, other)
    look(tmp_path, replace(other, data="atis"))
    look(tmp_path, other, "a line of the file was broken")
    look(tmp_path, replace(other, seed=1))  # the new file is the one that counts
    assert [one["arm"] for one in looks.summary(tmp_path, [])["again"]] == ["RL"]


def test_looks_that_are_not_shown_are_told(tmp_path):
    rows = []
    for arm in ("PPO", "RL"):
        _, line = look(tmp_path, replace(FIRST, arm=arm))
        rows.append({**score_row(line), "data": "snips", "arm": arm, "seed": 0, "share": 1.0})
    assert looks.summary(tmp_path, rows)["unshown"] == []
    told = looks.summary(tmp_path, rows, rows[:1])
    assert [one["arm"] for one in told["unshown"]] == ["RL"]
    assert told["intact"]


def test_a_line_that_is_removed_or_changed_shows(tmp_path):
    rows = [score_row(look(tmp_path, replace(FIRST, seed=seed))[1]) for seed in range(3)]
    file = tmp_path / "looks.jsonl"
    whole = file.read_text()
    assert looks.intact(tmp_path, rows)
    lines = whole.splitlines(keepends=True)
    for removed in range(3):  # the last one by its row, the others by the chain
        file.write_text("".join(lines[:removed] + lines[removed + 1 :]))
        assert not looks.intact(tmp_path, rows)
    for number in range(3):
        changed = json.dumps(json.loads(lines[number]) | {"reason": "it was not me"}) + "\n"
        file.write_text("".join([*lines[:number], changed, *lines[number + 1 :]]))
        assert not looks.intact(tmp_path, rows)
    file.unlink()
    assert not looks.intact(tmp_path, rows)
    file.write_text(whole)
    assert looks.intact(tmp_path, rows)


def test_a_torn_line_is_a_look_that_was_never_taken(tmp_path):
    _, line = look(tmp_path, FIRST)
    with (tmp_path / "looks.jsonl").open("a") as file:
        file.write('{"time": "2026-01-')
    _, other = look(tmp_path, replace(FIRST, seed=1))
    assert [one["seed"] for one in looks.read(tmp_path)] == [0, 1]
    assert looks.intact(tmp_path, [score_row(line), score_row(other)])


def test_the_sum_of_a_folder_is_of_names_and_contents(tmp_path):
    (tmp_path / "a").write_text("1")
    first = looks.sha256_of(tmp_path)
    (tmp_path / "a").rename(tmp_path / "b")
    second = looks.sha256_of(tmp_path)
    (tmp_path / "b").write_text("2")
    assert len({first, second, looks.sha256_of(tmp_path)}) == 3
