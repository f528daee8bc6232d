"""Models that somebody made to do harm: each is refused with words, and nothing of it is run."""

import base64
import json
import os
import pickle
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from lingym.agents import Ensemble, Labeller, OnlineLearner
from lingym.agents.active import Chooser
from lingym.cache import is_sealed, seal
from lingym.envs import Dataset
from lingym.envs.tokenizer import UnitTokenizer, load_tokenizer
from lingym.policies import LabelPolicy, ResidualPolicy, read_labels, read_settings
from lingym.policies.encoder import load_encoder
from lingym.policies.encoder_base import find_base
from lingym.policies.tuned_encoder import read_kept
from lingym.rewards import Accuracy
from lingym.scripts.cli import parse
from lingym.scripts.reward_state import resume_reward
from lingym.trusted import check_folder, header_of, read_json

Break = Callable[[Path, Path], None]
"""Makes a model folder hostile; the second path is a marker that must never appear."""


class Bomb:
    """What writes a marker when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch {self.marker}",)


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory, commands: Callable[..., Dataset]) -> Path:
    """A model that is as it should be; tests break copies of it."""
    dataset = commands("tagging")
    folder = tmp_path_factory.mktemp("sound") / "model"
    _labeller(dataset, encoder="tiny").save(folder)
    return folder


def _labeller(dataset: Dataset, kind: type[LabelPolicy] = LabelPolicy, **policy: Any) -> Labeller:
    from lingym.envs import LabelVectorEnv

    env = LabelVectorEnv(dataset=dataset)
    torch.manual_seed(0)
    made = kind(env.single_observation_space, env.single_action_space, lambda _: 0.0, **policy)
    return Labeller(made, "tagging", dataset.tokenizer, 64, settings=dataset.task.saved())


def change(file: Path, **values: Any) -> None:
    """Set entries of a JSON file."""
    said = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps({**said, **values}), encoding="utf-8")


def weights(file: Path, new: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Write other tensors into a safetensors file."""
    save_file(new(load_file(file)), file, {"format": "pt"})


def config(**values: Any) -> Break:
    return lambda folder, _: change(folder / "config.json", **values)


def settings(**values: Any) -> Break:
    return lambda folder, _: change(folder / "lingym.json", **values)


def text(name: str, content: str) -> Break:
    def write(folder: Path, _: Path) -> None:
        (folder / name).write_text(content, encoding="utf-8")

    return write


def code(folder: Path, marker: Path) -> None:
    """A module beside the model, named as its configuration's class."""
    module = f"import os\nos.system('touch {marker}')\nfrom transformers import BertModel as Evil\n"
    (folder / "modeling_evil.py").write_text(module, encoding="utf-8")
    named = {"AutoConfig": "modeling_evil.Evil", "AutoModel": "modeling_evil.Evil"}
    change(folder / "config.json", auto_map=named)


def tokenizer_code(folder: Path, marker: Path) -> None:
    code(folder, marker)
    config_file = folder / "config.json"
    said = json.loads(config_file.read_text())
    del said["auto_map"]
    config_file.write_text(json.dumps(said))
    named = {"AutoTokenizer": ["modeling_evil.Evil", "modeling_evil.Evil"]}
    change(folder / "tokenizer_config.json", auto_map=named, tokenizer_class="Evil")


def pickled(name: str, instead: bool) -> Break:
    def write(folder: Path, marker: Path) -> None:
        (folder / name).write_bytes(pickle.dumps(Bomb(marker)))
        if instead:
            (folder / "model.safetensors").unlink()

    return write


def leads_out(name: str, target: str = "") -> Break:
    def link(folder: Path, marker: Path) -> None:
        elsewhere = marker.parent / "elsewhere"
        if not elsewhere.exists():
            shutil.copytree(folder, elsewhere)
        (folder / name).unlink(missing_ok=True)
        (folder / name).symlink_to(target or elsewhere / name)

    return link


def pipe(folder: Path, _: Path) -> None:
    (folder / "config.json").unlink()
    os.mkfifo(folder / "config.json")


def twice(name: str) -> Break:
    def write(folder: Path, _: Path) -> None:
        content = (folder / name).read_text(encoding="utf-8").lstrip()
        key = next(iter(json.loads(content)))
        (folder / name).write_text(f'{{"{key}": 0,' + content[1:], encoding="utf-8")

    return write


def of_weights(file: str, new: Callable[[dict[str, Any]], dict[str, Any]]) -> Break:
    return lambda folder, _: weights(folder / file, new)


def first(change_it: Callable[[torch.Tensor], torch.Tensor]) -> Callable[..., dict[str, Any]]:
    def new(tensors: dict[str, Any]) -> dict[str, Any]:
        name = next(n for n in sorted(tensors) if n.endswith("weight"))
        return {**tensors, name: change_it(tensors[name]).contiguous()}

    return new


def header(length: int) -> Break:
    def write(folder: Path, _: Path) -> None:
        (folder / "model.safetensors").write_bytes(length.to_bytes(8, "little") + b"{}")

    return write


def shards(target: str) -> Break:
    def write(folder: Path, marker: Path) -> None:
        (folder / "model.safetensors").rename(marker.parent / "model.safetensors")
        index = {"metadata": {}, "weight_map": {"embeddings.LayerNorm.weight": target}}
        (folder / "model.safetensors.index.json").write_text(json.dumps(index))

    return write


def tokenizer(**values: Any) -> Break:
    return lambda folder, _: change(folder / "tokenizer.json", **values)


def growing(times: int) -> dict[str, Any]:
    """A normalizer that doubles a text over and over."""
    double = {"type": "Replace", "pattern": {"String": "a"}, "content": "aa"}
    return {"type": "Sequence", "normalizers": [double] * times}


def charsmap(text: str) -> str:
    """A map of characters that knows one, a, and gives this text for it."""
    units = [0] * 512
    units[0] = 256 << 10  # the root; from there a, then the place of the text
    units[256 ^ ord("a")] = ord("a") | 1 << 8 | 1 << 10
    units[256 ^ ord("a") ^ 1] = 1 << 31
    trie = struct.pack(f"<{len(units)}I", *units)
    content = struct.pack("<I", len(trie)) + trie + text.encode() + b"\0"
    return base64.b64encode(content).decode()


def compiled(text: str, times: int) -> dict[str, Any]:
    """A normalizer that puts a text for each letter of itself, over and over."""
    one = {"type": "Precompiled", "precompiled_charsmap": charsmap(text)}
    return {"type": "Sequence", "normalizers": [one] * times}


def far_token(folder: Path, _: Path) -> None:
    file = folder / "tokenizer.json"
    said = json.loads(file.read_text())
    last = list(said["model"]["vocab"])[-1]
    said["model"]["vocab"][last] = 4_000_000_000
    file.write_text(json.dumps(said))


DEEP = "[" * 100_000 + "]" * 100_000
EMPTY_CHARSMAP = {"type": "Precompiled", "precompiled_charsmap": "AAAA"}

HOSTILE: dict[str, tuple[Break, str]] = {
    "code in config": (code, "names code"),
    "code in tokenizer": (tokenizer_code, "names code"),
    "custom pipeline": (config(custom_pipelines={"x": {"impl": "evil.P"}}), "names code"),
    "nested code": (config(text_config={"auto_map": {"AutoModel": "evil.M"}}), "names code"),
    "kernel of the hub": (config(_attn_implementation="evil/kernel"), "names code"),
    "kernel, nested": (config(sub={"attn_implementation": "evil/kernel"}), "names code"),
    "quantization": (config(quantization_config={"quant_method": "gptq"}), "quantization_config"),
    "other weights": (config(transformers_weights="../x.safetensors"), "transformers_weights"),
    "unknown family": (config(model_type="evil"), "no encoder that transformers can make"),
    "family no text": (config(model_type=["bert"]), "no encoder"),
    "pickled weights": (pickled("pytorch_model.bin", True), "torn: it has no model.safetensors"),
    "adapter": (text("adapter_config.json", '{"base_model_name_or_path": "/etc"}'), "an adapter"),
    "link out": (leads_out("model.safetensors"), "leads out of"),
    "link to passwords": (leads_out("config.json", "/etc/passwd"), "leads out of"),
    "link to nowhere": (leads_out("config.json", "nowhere"), "leads nowhere"),
    "link to itself": (leads_out("config.json", "config.json"), "leads nowhere"),
    "link to above": (leads_out("base", ".."), "leads out of"),
    "link to its own folder": (leads_out("base", "."), "link to a folder"),
    "unread link out": (leads_out("notes.txt", "/etc/passwd"), "leads out of"),
    "pipe": (pipe, "no ordinary file"),
    "shards above": (shards("../model.safetensors"), "torn"),
    "huge header": (header(2**62), "torn or no safetensors"),
    "header of no file": (header(99), "torn or no safetensors"),
    "header is no JSON": (text("model.safetensors", "\x08" + "\0" * 7 + "[1,2,3,]"), "header"),
    "short weights": (text("policy.safetensors", ""), "torn or no safetensors"),
    "NaN in the encoder": (of_weights("model.safetensors", first(lambda w: w * torch.nan)), "NaN"),
    "infinite head": (of_weights("policy.safetensors", first(lambda w: w + torch.inf)), "NaN or"),
    "other shapes": (of_weights("model.safetensors", first(lambda w: w[:-1])), "has the shape"),
    "other head": (of_weights("policy.safetensors", first(lambda w: w[:, :-1])), "has the shape"),
    "whole numbers": (of_weights("model.safetensors", first(lambda w: w.int())), "type I32"),
    "whole head": (of_weights("policy.safetensors", first(lambda w: w.char())), "the type I8"),
    "no weights": (of_weights("policy.safetensors", lambda _: {}), "another kind of policy"),
    "deep lingym.json": (text("lingym.json", DEEP), "deep"),
    "deep config": (text("config.json", DEEP), "deep"),
    "deep tokenizer": (text("tokenizer.json", DEEP), "deep"),
    "rather deep": (text("tokenizer.json", "[" * 500 + "]" * 500), "deep"),
    "key twice": (twice("lingym.json"), "twice in one object"),
    "key twice in config": (twice("config.json"), "twice in one object"),
    "a list for settings": (text("lingym.json", "[]"), "must hold|wanted"),
    "a list for config": (text("config.json", "[]"), "config.json"),
    "many labels": (settings(labels=[f"l{n}" for n in range(50_000)]), "at most 20,000"),
    "1e9 labels": (config(num_labels=10**9), "at most 1,000,000"),
    "labels no list": (settings(labels=10**9), "labels must be a list"),
    "wide": (config(hidden_size=2**30), "config.json"),
    "wide beyond int": (config(hidden_size=10**30), "at most"),
    "long number": (text("config.json", '{"hidden_size": ' + "9" * 10_000 + "}"), "JSON"),
    "deep network": (config(num_hidden_layers=10**6), "num_hidden_layers"),
    "many layers": (config(num_hidden_layers=10**9), "num_hidden_layers"),
    "made for ever": (
        config(model_type="canine", num_hash_functions=2**31 - 1, num_hidden_layers=1),
        r"more than [\d,]+ weights, for \d+ in the file",
    ),
    "modules for ever": (
        config(model_type="mixtral", num_hidden_layers=256, num_local_experts=256),
        r"more than [\d,]+ weights",
    ),
    "family of another library": (
        config(model_type="timm_wrapper", architecture="hf_hub:evil/x"),
        "family timm_wrapper",
    ),
    "large vocabulary": (config(vocab_size=2**31 - 1), "weights"),
    "large inner": (config(intermediate_size=2**30), "weights"),
    "negative": (config(hidden_size=-64), "no encoder"),
    "text for a size": (config(hidden_size="64"), "no encoder"),
    "long windows": (settings(max_tokens=10**12), "max_tokens"),
    "rather long windows": (settings(max_tokens=10**6), "takes 512 tokens"),
    "tokenizer that grows": (tokenizer(normalizer=growing(40)), "times as long"),
    "compiled map that grows": (
        tokenizer(normalizer=compiled("a" * 200, 8)),
        "normalizer may make a text 2,560,000,000,000,000,000 times as long",
    ),
    "compiled map of one long text": (tokenizer(normalizer=compiled("a" * 9999, 1)), "9,999 times"),
    "tokenizer that panics": (tokenizer(normalizer=EMPTY_CHARSMAP), "cannot be read"),
    "tokenizer no object": (text("tokenizer.json", "3"), "no tokenizer"),
    "tokenizer of nothing": (text("tokenizer.json", "{}"), "cannot be read"),
    "token far away": (far_token, "gives the token 4000000000"),
    "tokenizer elsewhere": (
        lambda folder, _: change(folder / "tokenizer_config.json", vocab_file="/etc/passwd"),
        "vocab_file",
    ),
    "residual without one": (settings(residual={"shared": True}), "base"),
    "residual of code": (settings(residual="evil.py"), "residual is"),
    "task of code": (settings(task="evil.py:Task"), "task"),
    "settings of code": (settings(task_settings={"labels": "evil.py"}), "task_settings"),
}
"""What is done to a sound model, and what the error says."""


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_model_is_refused_with_words_and_runs_nothing(
    sound: Path, tmp_path: Path, name: str
) -> None:
    break_it, words = HOSTILE[name]
    folder, marker = tmp_path / "model", tmp_path / "marker"
    shutil.copytree(sound, folder)
    break_it(folder, marker)
    with pytest.raises(ValueError, match=words) as caught:
        Labeller.load(folder, device="cpu")
    assert not isinstance(caught.value, UnicodeDecodeError)
    assert not marker.exists()


ENCODERS = [
    *("code in config", "nested code", "kernel of the hub", "quantization", "other weights"),
    *("pickled weights", "adapter", "link out", "link to passwords", "pipe", "shards above"),
    *("huge header", "NaN in the encoder", "other shapes", "whole numbers", "deep config"),
    *("key twice in config", "1e9 labels", "wide", "many layers", "large vocabulary"),
]


@pytest.mark.parametrize("name", ENCODERS)
def test_a_hostile_encoder_is_refused(sound: Path, tmp_path: Path, name: str) -> None:
    folder, marker = tmp_path / "encoder", tmp_path / "marker"
    shutil.copytree(sound, folder)
    for file in ("lingym.json", "policy.safetensors"):
        (folder / file).unlink()
    HOSTILE[name][0](folder, marker)
    with pytest.raises(ValueError, match="encoder"):
        load_encoder(str(folder), 10, 16, pooler=False)
    assert not marker.exists()


def test_pickles_and_code_beside_a_sound_model_stay_unread(sound: Path, tmp_path: Path) -> None:
    folder, marker = tmp_path / "model", tmp_path / "marker"
    shutil.copytree(sound, folder)
    for name in ("pytorch_model.bin", "adapter_model.bin", "training_args.bin", "state.npz"):
        pickled(name, instead=False)(folder, marker)
    for name in ("modeling_bert.py", "tokenization_bert.py", "setup.py", "__init__.py"):
        (folder / name).write_text(f"open({str(marker)!r}, 'w')", encoding="utf-8")
    change(folder / "config.json", _name_or_path="/etc", architectures=["Evil"])
    loaded = Labeller.load(folder, device="cpu")
    assert loaded.predict(["stop"])
    loaded.save(tmp_path / "again")
    assert not marker.exists()
    assert not {*os.listdir(tmp_path / "again")} & {"modeling_bert.py", "pytorch_model.bin"}


def test_a_compiled_map_of_short_texts_is_fine(sound: Path, tmp_path: Path) -> None:
    """As those of SentencePiece are; and the map above is one that the library reads."""
    folder = shutil.copytree(sound, tmp_path / "model")
    tokenizer(normalizer=compiled("aa", 3))(folder, tmp_path)
    assert load_tokenizer(str(folder)).normalizer.normalize_str("cab") == "c" + "a" * 8 + "b"


def test_a_link_within_and_one_into_the_hubs_cache_are_fine(sound: Path, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(sound, folder)
    (folder / "config.json").rename(folder / "real.json")
    (folder / "config.json").symlink_to("real.json")
    Labeller.load(folder, device="cpu")
    hub = tmp_path / "models--a--b"
    (hub / "blobs").mkdir(parents=True)
    snapshot = hub / "snapshots" / "1"
    snapshot.mkdir(parents=True)
    for file in sound.iterdir():
        shutil.copy(file, hub / "blobs" / file.name)
        (snapshot / file.name).symlink_to(Path("../../blobs") / file.name)
    Labeller.load(snapshot, device="cpu")
    (tmp_path / "named").symlink_to(folder)  # the user's own link to it
    Labeller.load(tmp_path / "named", device="cpu")


def test_a_runs_model_is_in_the_run(sound: Path, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "model").symlink_to(sound)
    with pytest.raises(ValueError, match="leads out of"):
        Labeller.load(tmp_path / "run", device="cpu")


@pytest.mark.parametrize(
    "line",
    [
        "predict {model} --text stop",
        "predict {good} --with {model} --text stop",
        "evaluate {model} --data {data}",
        "explain {model} stop",
        "merge {model} --out {out}",
        "fuse --out {out} {good} {model}",
        "train --corpus {corpus} --warm-start {model} --out {out}",
        "train --corpus {corpus} --residual {model} --out {out}",
        "train --corpus {corpus} --encoder {model} --out {out}",
        "stream {model} --data {data} --out {out}",
    ],
)
def test_no_command_runs_what_a_model_names(sound: Path, tmp_path: Path, line: str) -> None:
    folder, marker = tmp_path / "model", tmp_path / "marker"
    shutil.copytree(sound, folder)
    code(folder, marker)
    (tmp_path / "data.jsonl").write_text('{"tokens": ["stop"], "labels": ["O"]}\n')
    corpus = "synthetic:commands?train=64&dev=16&test=16"
    places = {"corpus": corpus, "model": folder, "good": sound, "data": tmp_path / "data.jsonl"}
    words = line.format(out=tmp_path / "out", **places).split()
    with pytest.raises(ValueError, match="names code"):
        parse(words).run()
    assert not marker.exists()


def test_an_ensemble_of_one_hostile_member_is_refused(sound: Path, tmp_path: Path) -> None:
    folder, marker = tmp_path / "model", tmp_path / "marker"
    shutil.copytree(sound, folder)
    code(folder, marker)
    with pytest.raises(ValueError, match="names code"):
        Ensemble([Labeller.load(each, device="cpu") for each in (sound, folder)])
    assert not marker.exists()


def part(sound: Path, folder: Path, dataset: Dataset) -> Path:
    """A part-trained model that stands on the sound one."""
    _labeller(dataset, encoder=str(sound), tune="lora").save(folder)
    return folder


def test_models_that_name_each_other_as_base_are_refused(
    sound: Path, tmp_path: Path, commands: Callable[..., Dataset]
) -> None:
    from hashlib import sha256

    pair = [part(sound, tmp_path / name, commands("tagging")) for name in ("one", "two")]
    for own, other in (pair, pair[::-1]):
        digest = sha256((other / "tuned.safetensors").read_bytes()).hexdigest()
        said = json.loads((own / "lingym.json").read_text())
        said["tuning"]["base"] = {"name": str(other), "sha256": digest}
        (own / "lingym.json").write_text(json.dumps(said))
    weights(pair[0] / "tuned.safetensors", first(lambda w: w + 1))
    digest = sha256((pair[0] / "tuned.safetensors").read_bytes()).hexdigest()
    said = json.loads((pair[1] / "lingym.json").read_text())
    said["tuning"]["base"]["sha256"] = digest
    (pair[1] / "lingym.json").write_text(json.dumps(said))
    with pytest.raises(ValueError, match="name each other as their base"):
        Labeller.load(pair[0], device="cpu", base=os.pathsep.join(map(str, pair)))


@pytest.mark.parametrize("name", ["path", "above", "hub", "tilde"])
def test_where_a_model_says_its_base_is_nobody_goes(
    sound: Path,
    tmp_path: Path,
    commands: Callable[..., Dataset],
    monkeypatch: pytest.MonkeyPatch,
    name: str,
) -> None:
    monkeypatch.setenv("LINGYM_CACHE", str(tmp_path / "cache"))
    base = shutil.copytree(sound, tmp_path / "base")
    model = part(base, tmp_path / "model", commands("tagging"))
    Labeller.load(model, device="cpu")  # this user's own lingym knows where it was
    monkeypatch.setenv("LINGYM_CACHE", str(tmp_path / "another user's"))
    names = {"path": str(base), "above": "../base", "hub": "evil/model", "tilde": "~/base"}
    said = json.loads((model / "lingym.json").read_text())
    said["tuning"]["base"]["name"] = names[name]
    (model / "lingym.json").write_text(json.dumps(said))
    monkeypatch.chdir(model)
    with pytest.raises(ValueError, match=r"not followed|is not on this machine"):
        Labeller.load(model, device="cpu")
    Labeller.load(model, device="cpu", base=str(base))
    monkeypatch.setenv("LINGYM_BASE", str(base))
    Labeller.load(model, device="cpu")


def test_a_correction_is_read_from_its_own_folder(
    sound: Path, tmp_path: Path, commands: Callable[..., Dataset]
) -> None:
    dataset, folder, marker = commands("tagging"), tmp_path / "model", tmp_path / "marker"
    _labeller(dataset, ResidualPolicy, residual=str(sound)).save(folder)
    Labeller.load(folder, device="cpu")
    code(folder / "base", marker)
    with pytest.raises(ValueError, match="names code"):
        Labeller.load(folder, device="cpu")
    shutil.rmtree(folder / "base")
    (folder / "base").symlink_to(sound)
    with pytest.raises(ValueError, match="leads out of"):
        Labeller.load(folder, device="cpu")
    assert not marker.exists()


def test_a_learner_online_is_data(sound: Path, tmp_path: Path) -> None:
    folder, marker = tmp_path / "learner", tmp_path / "marker"
    learner = OnlineLearner(Labeller.load(sound, device="cpu"))
    learner.label(["stop", "play jordan"])
    learner.save(folder)
    assert OnlineLearner.load(folder, device="cpu").waiting.keys() == {0, 1}
    state, tensors = folder / "online" / "state.json", folder / "online" / "state.safetensors"
    good, whole = state.read_text(), tensors.read_bytes()
    for breaking in (
        lambda: state.write_text(DEEP),
        lambda: state.write_text("[]"),
        lambda: change(state, settings={"evil": 1}),
        lambda: change(state, random={"bit_generator": "os.system"}),
        lambda: change(state, random=None),
        lambda: change(state, ids=[0] * 99),
        lambda: tensors.write_bytes(pickle.dumps(Bomb(marker))),
        lambda: weights(tensors, lambda _: {}),
        lambda: weights(tensors, lambda found: {**found, "optimiser.0.exp_avg": torch.ones(1)}),
        lambda: weights(tensors, lambda found: {**found, "optimiser.x": torch.ones(1)}),
        lambda: weights(tensors, lambda found: {**found, "generator": torch.ones(1)}),
    ):
        state.write_text(good)
        tensors.write_bytes(whole)
        breaking()
        with pytest.raises(ValueError, match=r"online|state"):
            OnlineLearner.load(folder, device="cpu")
    tensors.write_bytes(whole)
    state.unlink()
    state.symlink_to("/etc/passwd")
    with pytest.raises(ValueError, match="leads out of"):
        OnlineLearner.load(folder, device="cpu")
    assert not marker.exists()


def test_a_chooser_is_data(tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    (tmp_path / "chooser.json").write_text('{"names": [], "about": {}}')
    (tmp_path / "chooser.safetensors").write_bytes(pickle.dumps(Bomb(marker)))
    with pytest.raises(ValueError, match="no chooser"):
        Chooser.load(tmp_path)
    (tmp_path / "chooser.json").unlink()
    (tmp_path / "chooser.json").symlink_to("/etc/passwd")
    with pytest.raises(ValueError, match="leads out"):
        Chooser.load(tmp_path)
    assert not marker.exists()


def test_a_tokenizer_that_never_ends_is_an_error_and_no_hang(sound: Path, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(sound, folder)
    split = {"type": "Split", "pattern": {"Regex": "(a+)+$"}, "behavior": "Isolated"}
    change(folder / "tokenizer.json", pre_tokenizer={**split, "invert": False})
    units = UnitTokenizer(load_tokenizer(str(folder)))
    with pytest.raises(ValueError, match="cannot read these texts"):
        units([["a" * 200 + "b"]])
    with pytest.raises(ValueError, match="cannot read these texts"):
        units.whole(["a" * 200 + "b"])


def test_every_reader_of_a_folder_looks_at_its_links(sound: Path, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(sound, folder)
    leads_out("policy.safetensors")(folder, tmp_path / "marker")
    for reads in (read_settings, read_labels, read_kept, check_folder):
        with pytest.raises(ValueError, match="leads out of"):
            reads(folder)
    for reads in (load_tokenizer, lambda name: load_encoder(name, 10, 16, False)):
        with pytest.raises(ValueError, match="leads out of"):
            reads(str(folder))


def test_a_base_is_not_found_by_a_hash_that_is_a_path(tmp_path: Path) -> None:
    from lingym.policies.encoder_base import Base

    with pytest.raises(ValueError, match="not followed"):
        find_base(Base("/etc/passwd", "../../../etc/passwd"), tmp_path)


@pytest.mark.parametrize("content", ["", "{", '{"a": 1, "a": 2}', "\ud800", "NUL\0", DEEP])
def test_json_that_is_none_is_refused(tmp_path: Path, content: str) -> None:
    file = tmp_path / "x.json"
    file.write_bytes(content.encode("utf-8", "surrogatepass"))
    with pytest.raises(ValueError, match="is not JSON that can be read"):
        read_json(file)


@pytest.mark.parametrize(
    "told",
    [
        {"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 80]}},
        {"a": {"dtype": "F32", "shape": [-2], "data_offsets": [0, 8]}},
        {"a": {"dtype": "F32", "shape": [2], "data_offsets": [8, 0]}},
        {"a": {"dtype": "F32", "shape": [2.5], "data_offsets": [0, 8]}},
        {"a": {"dtype": "F32", "shape": 2, "data_offsets": [0, 8]}},
        {"a": {"dtype": "F32", "shape": [3], "data_offsets": [0, 8]}},
        {"a": {"dtype": "F32", "shape": [2**40], "data_offsets": [0, 0]}},
        {"a": {"dtype": "F16", "shape": [2**60, 2**60], "data_offsets": [0, 8]}},
        {"a": {"shape": [2]}},
        {"a": 3},
        [],
    ],
)
def test_a_header_that_lies_is_refused(tmp_path: Path, told: Any) -> None:
    content = json.dumps(told).encode()
    file = tmp_path / "x.safetensors"
    file.write_bytes(len(content).to_bytes(8, "little") + content + b"\0" * 8)
    with pytest.raises(ValueError, match="no safetensors header"):
        header_of(file)


def test_a_mark_is_this_users_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LINGYM_CACHE", str(tmp_path / "mine"))
    mark = seal(b"content")
    assert is_sealed(b"content", mark) and not is_sealed(b"other", mark)
    assert (tmp_path / "mine" / "key").stat().st_mode & 0o777 == 0o600
    monkeypatch.setenv("LINGYM_CACHE", str(tmp_path / "theirs"))
    assert not is_sealed(b"content", mark)


def test_a_reward_that_is_a_pipe_is_not_waited_for(sound: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(sound, run / "model")
    os.mkfifo(run / "reward.json")
    for folder in (run, run / "model"):
        with pytest.raises(ValueError, match=r"reward\.json is no ordinary file"):
            resume_reward(Accuracy(), folder)
