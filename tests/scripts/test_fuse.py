"""Runs are corrected, averaged and asked together from the command line."""

import json

import pytest
import torch
from safetensors.torch import load_file

import lingym
from lingym.policies import ResidualPolicy
from lingym.scripts.cli import main

CORPUS = "synthetic:commands?train=64&dev=16&test=16"
RUN = f"--corpus {CORPUS} --episodes 64 --rollout 32 --batch-size 8 --device cpu"


def command(words):
    main(words.split())


def read(run, file="metrics.json"):
    return json.loads((run / file).read_text())


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A supervised run, and two that went on from it."""
    out = tmp_path_factory.mktemp("runs")
    start = f"{RUN} --agent supervised --learning-rate 3e-3 --no-keep-best"
    command(f"train --out {out}/first --encoder tiny {start}")
    for seed in (1, 2):
        command(f"train --out {out}/go{seed} --warm-start {out}/first --seed {seed} {start}")
    return out


@pytest.mark.parametrize("tune", ["", "--tune frozen"])
def test_a_correction_begins_at_its_labeller_and_goes_on(runs, tmp_path, tune):
    rl = f"{RUN} --agent reinforce --reward accuracy --learning-rate 1e-2 --kl-coef 0.1 {tune}"
    command(f"train --out {tmp_path}/one --residual {runs}/first {rl}")
    curve = read(tmp_path / "one")["curve"]
    assert curve[0]["metrics"] == pytest.approx(read(runs / "first")["dev"], abs=1e-9)
    loaded = lingym.load(tmp_path / "one", device="cpu")
    assert isinstance(loaded.policy, ResidualPolicy)
    assert loaded.policy.shared == bool(tune)
    command(f"train --out {tmp_path}/two --warm-start {tmp_path}/one {rl}")
    again = read(tmp_path / "two")["curve"][0]["metrics"]
    assert again == pytest.approx(read(tmp_path / "one")["dev"], abs=1e-9)


def test_two_beginnings_and_other_tokens_are_refused(runs, tmp_path):
    with pytest.raises(SystemExit, match="--residual and --warm-start cannot both be"):
        command(f"train --out {tmp_path}/a --residual {runs}/first --warm-start {runs}/go1 {RUN}")
    fewer = "--corpus synthetic:commands?train=16&dev=8&test=8&seed=5 --episodes 16 --device cpu"
    command(f"train --out {tmp_path}/other --encoder tiny --agent supervised {fewer}")
    words = f"--residual {runs}/first --encoder {tmp_path}/other/model {RUN}"
    with pytest.raises(SystemExit, match="reads other tokens than the labeller"):
        command(f"train --out {tmp_path}/a {words}")


def test_the_line_ends_at_the_runs_exactly(runs, tmp_path):
    out = tmp_path / "line"
    command(
        f"fuse {runs}/first {runs}/go1 --how interpolate --points 3 --dev {CORPUS} --test {CORPUS} "
        f"--out {out} --device cpu"
    )
    curve, config = read(out, "curve.json"), read(out, "config.json")
    assert [point["lambda"] for point in curve["points"]] == [0, 0.5, 1]
    assert curve["points"][0]["dev"] == pytest.approx(read(runs / "first")["dev"], abs=1e-9)
    assert curve["points"][2]["dev"] == pytest.approx(read(runs / "go1")["dev"], abs=1e-9)
    best = max(point["dev"][curve["metric"]] for point in curve["points"])
    assert read(out)["dev"][curve["metric"]] == best
    assert read(out)["test"].keys() == read(out)["dev"].keys()
    assert (out / "curve.png").stat().st_size > 1000
    assert [parent["weight"] for parent in config["parents"]] == [1 - curve["best"], curve["best"]]
    assert all(len(p["sha256"]["model.safetensors"]) == 64 for p in config["parents"])
    assert config["versions"]["lingym"] == lingym.__version__
    assert [step["kept"] for step in config["tried"]].count(True) == 1


def test_a_uniform_soup_is_the_mean_of_the_weights(runs, tmp_path):
    out = tmp_path / "soup"
    command(f"fuse {runs}/go1 {runs}/go2 --out {out} --device cpu")
    assert read(out) == {"dev": {}, "test": {}}  # nothing was asked to be measured
    for file in ("model.safetensors", "policy.safetensors"):
        one, other, mean = (
            load_file(r / "model" / file) for r in (runs / "go1", runs / "go2", out)
        )
        for name, weight in mean.items():
            assert torch.allclose(weight.double(), (one[name].double() + other[name]) / 2)
    assert any(not torch.equal(one[name], mean[name]) for name in mean)
    noise = "--noises typos --strengths 0.2 --draws 2 --test-limit 4 --device cpu"
    command(f"bench robustness {runs}/go1 {out} --test {CORPUS} --out {tmp_path}/noise {noise}")
    told = read(tmp_path / "noise", "results.json")["runs"]
    assert [each["name"] for each in told] == ["go1", "soup"]


def test_a_greedy_soup_is_no_worse_on_dev_than_its_best_run(runs, tmp_path):
    out = tmp_path / "greedy"
    names = f"{runs}/first {runs}/go1 {runs}/go2"
    command(f"fuse {names} --how greedy --dev {CORPUS} --metric accuracy --out {out} --device cpu")
    alone = [read(runs / name)["dev"]["accuracy"] for name in ("first", "go1", "go2")]
    assert read(out)["dev"]["accuracy"] >= max(alone) - 1e-9
    tried = read(out, "config.json")["tried"]
    assert len(tried) == 5  # each alone, and two that asked to join
    assert [step["dev"]["accuracy"] for step in tried[:3]] == pytest.approx(alone, abs=1e-9)


def test_corrections_of_one_labeller_are_averaged_and_it_stays(runs, tmp_path):
    rl = f"{RUN} --agent supervised --learning-rate 1e-2 --residual {runs}/first"
    for seed in (1, 2):
        command(f"train --out {tmp_path}/r{seed} --seed {seed} {rl}")
    command(f"fuse {tmp_path}/r1 {tmp_path}/r2 --out {tmp_path}/both --device cpu")
    base, kept = (
        load_file(run / "model.safetensors")
        for run in (runs / "first" / "model", tmp_path / "both" / "model" / "base")
    )
    assert all(torch.equal(base[name], kept[name]) for name in base)
    with pytest.raises(SystemExit, match="the kind of policy differs"):
        command(f"fuse {tmp_path}/r1 {runs}/first --out {tmp_path}/no --device cpu")


def test_runs_that_cannot_be_averaged_are_refused(runs, tmp_path):
    for words, message in (
        (f"{runs}/first", "give two or more runs"),
        (f"{runs}/first {runs}/go1 {runs}/go2 --how interpolate --dev x", "is between two runs"),
        (f"{runs}/first {runs}/go1 --how greedy", "is decided on dev"),
        (f"{runs}/first {runs}/go1 --points 3", "--points is for --how interpolate"),
        (f"{runs}/first {runs}/go1 --dev {CORPUS} --metric bleu", "no metric 'bleu'"),
    ):
        with pytest.raises(SystemExit, match=message):
            command(f"fuse {words} --out {tmp_path}/no --device cpu")
    command(
        f"train --out {tmp_path}/intent --task classification --labels intent --encoder tiny "
        f"{RUN} --agent supervised"
    )
    with pytest.raises(SystemExit, match=r"cannot be averaged with .*the tasks differ"):
        command(f"fuse {runs}/first {tmp_path}/intent --out {tmp_path}/no --device cpu")
    assert not (tmp_path / "no").exists()


def test_runs_label_together(runs, tmp_path, capsys):
    command(f"evaluate {runs}/first --data {CORPUS} --with {runs}/first --json --device cpu")
    alone = read(runs / "first")["test"]
    assert json.loads(capsys.readouterr().out) == pytest.approx(alone, abs=1e-9)
    (tmp_path / "a.txt").write_text("wake me at seven\nstop\n")
    words = f"{tmp_path}/a.txt --with {runs}/go1 --with {runs}/go2 --mean geometric --device cpu"
    command(f"predict {runs}/first {words}")
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [len(row["labels"]) for row in rows] == [4, 1]
    members = [lingym.load(runs / name, device="cpu") for name in ("first", "go1", "go2")]
    ensemble = lingym.agents.Ensemble(members, mean="geometric")
    assert ensemble.predict([["wake", "me", "at", "seven"], ["stop"]]) == rows
