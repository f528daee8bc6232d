"""What of an encoder is trained: every method does what its paper says, in every family."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
import transformers

from lingym.envs import Dataset
from lingym.policies import LabelPolicy, Tuning, light_copy, trained_parameters, trained_weights
from lingym.policies.encoder_parts import layers_of

pytest.importorskip("peft")

METHODS = ("full", "frozen", "top:1", "bitfit", "lora", "adapter", "prompt", "ia3")
SAME_AT_FIRST = [method for method in METHODS if method != "prompt"]


def wide(**more: Any) -> dict[str, Any]:
    """The sizes of a small encoder."""
    return dict(
        hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=48
    ) | dict(vocab_size=1000, max_position_embeddings=90, pad_token_id=0, **more)


FAMILIES: dict[str, Any] = {
    "bert": lambda: transformers.BertConfig(**wide()),
    "roberta": lambda: transformers.RobertaConfig(**wide()),
    "electra": lambda: transformers.ElectraConfig(embedding_size=16, **wide()),
    "distilbert": lambda: transformers.DistilBertConfig(
        dim=32, n_layers=2, n_heads=2, hidden_dim=48, vocab_size=1000, pad_token_id=0
    ),
    "deberta-v2": lambda: transformers.DebertaV2Config(relative_attention=True, **wide()),
    "modernbert": lambda: transformers.ModernBertConfig(**wide()),
}


@pytest.fixture(scope="module")
def encoder_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], str]:
    """The folder of a random encoder of a family."""
    made: dict[str, str] = {"tiny": "tiny"}

    def make(family: str) -> str:
        if family not in made:
            torch.manual_seed(0)
            folder = tmp_path_factory.mktemp("encoders") / family
            transformers.AutoModel.from_config(FAMILIES[family]()).save_pretrained(folder)
            made[family] = str(folder)
        return made[family]

    return make


@torch.no_grad()
def disturb(policy: LabelPolicy, seed: int = 1) -> None:
    """Move what is trained of the encoder, as training would."""
    generator = torch.Generator().manual_seed(seed)
    for weight in policy.encoder.parameters():
        if weight.requires_grad:
            weight.add_(0.3 * torch.randn(weight.shape, generator=generator))


@pytest.mark.parametrize("family", FAMILIES)
def test_a_step_moves_what_the_method_trains_and_nothing_else(
    commands: Callable[..., Dataset],
    policy_of: Callable[..., LabelPolicy],
    encoder_of: Callable[[str], str],
    family: str,
) -> None:
    dataset = commands("tagging")
    batch = dataset["train"].batch(range(4))
    gold = torch.from_numpy(batch.gold).long()
    begun, counts = None, {}
    for method in METHODS:
        arguments: dict[str, Any] = {"encoder": encoder_of(family), "tune": method}
        if family == "modernbert" and method == "bitfit":
            with pytest.raises(ValueError, match="family modernbert have none"):
                policy_of(dataset, **arguments)
            continue
        policy = policy_of(dataset, **arguments)
        assert policy.tune == method
        with torch.no_grad():
            features = policy.features(policy.texts(batch))
        begun = features if begun is None else begun  # "full" comes first
        if method in SAME_AT_FIRST:
            assert torch.equal(features, begun)
        else:
            assert not torch.equal(features, begun)
        before = copy.deepcopy(policy.state_dict())
        for _ in range(2):  # what stands behind a zero matrix moves once that one has
            policy.optimizer.zero_grad()
            chosen, _, values = policy.evaluate_labels(batch, gold)
            (values.square().mean() - chosen[gold >= 0].mean()).backward()
            policy.optimizer.step()
        after = policy.state_dict()
        moved = {name for name in after if not torch.equal(after[name], before[name])}
        assert {name for name in moved if not name.startswith("encoder.")} >= {
            "label_head.weight",
            "value_head.weight",
        }
        ours = {name.removeprefix("encoder.") for name in moved if name.startswith("encoder.")}
        assert ours <= policy.encoder_trained
        unused = {n for n in policy.encoder_trained - ours if not n.startswith("pooler")}
        assert len(unused) <= (len(before) // 4 if method in ("full", "bitfit") else 0), unused
        held = sum(p.numel() for g in policy.optimizer.param_groups for p in g["params"])
        counts[method], every = trained_parameters(policy)
        assert held == counts[method] <= every
        assert trained_weights(policy).keys() >= moved
    assert counts["frozen"] < min(count for name, count in counts.items() if name != "frozen")
    assert counts["full"] == max(counts.values())


def test_top_layers_are_the_last_ones(policy_of: Any, commands: Any) -> None:
    policy = policy_of(commands("classification"), encoder="tiny", tune="top:1")
    names = {name.rsplit(".", 2)[0] for name in policy.encoder_trained}
    assert names and all(
        n.startswith(("encoder.layer.1", "pooler")) for n in policy.encoder_trained
    )
    assert any(n.startswith("pooler") for n in policy.encoder_trained)
    with pytest.raises(ValueError, match=r"top:3: the encoder has 2 layers"):
        policy_of(commands("classification"), encoder="tiny", tune="top:3")


def test_biases_are_all_and_only_biases(policy_of: Any, commands: Any) -> None:
    policy = policy_of(commands("tagging"), encoder="tiny", tune="bitfit")
    every = {name for name, _ in policy.encoder.named_parameters() if name.endswith("bias")}
    assert policy.encoder_trained == every


@torch.no_grad()
def test_lora_adds_alpha_over_rank_times_the_product(policy_of: Any, commands: Any) -> None:
    """Hu et al. (2021), equation 3, written into a plain encoder's own matrices."""
    dataset = commands("tagging")
    batch = dataset["train"].batch(range(4))
    policy = policy_of(dataset, encoder="tiny", tune="lora", lora_rank=3, lora_alpha=6)
    plain = policy_of(dataset, encoder="tiny", tune="full")
    disturb(policy)
    weights = policy.encoder.state_dict()
    changed = 0
    for name, weight in plain.encoder.named_parameters():
        layer = name.removesuffix(".weight")
        if f"{layer}.lora_A.default.weight" in weights:
            low, high = (weights[f"{layer}.lora_{part}.default.weight"] for part in "AB")
            assert low.shape == (3, 64) and high.shape == (64, 3)
            weight += 6 / 3 * high @ low
            changed += 1
    assert changed == 4  # queries and values of two layers
    wanted = plain.features(plain.texts(batch))
    assert torch.allclose(policy.features(policy.texts(batch)), wanted, atol=1e-5)


@torch.no_grad()
def test_ia3_scales_keys_values_and_inner_features(policy_of: Any, commands: Any) -> None:
    """Liu et al. (2022), written into a plain encoder's matrices: l * (W x + b), and W (l * x)."""
    dataset = commands("tagging")
    batch = dataset["train"].batch(range(4))
    policy = policy_of(dataset, encoder="tiny", tune="ia3")
    plain = policy_of(dataset, encoder="tiny", tune="full")
    disturb(policy)
    weights = policy.encoder.state_dict()
    scaled = 0
    for name, module in plain.encoder.named_modules():
        scale = weights.get(f"{name}.ia3_l.default")
        if scale is None:
            continue
        scaled += 1
        module.weight *= scale
        if scale.shape[1] == 1:  # of outputs, the bias among them
            module.bias *= scale[:, 0]
    assert scaled == 8
    wanted = plain.features(plain.texts(batch))
    assert torch.allclose(policy.features(policy.texts(batch)), wanted, atol=1e-5)


@torch.no_grad()
def test_an_adapter_stands_behind_its_layer(policy_of: Any, commands: Any) -> None:
    policy = policy_of(commands("tagging"), encoder="tiny", tune="adapter", adapter_width=5)
    disturb(policy)
    layer, own = layers_of(policy.encoder)[1], policy.encoder.bottlenecks[1]
    hidden = torch.randn(2, 3, 64, generator=torch.Generator().manual_seed(0))
    found = layer(hidden)
    found = found if isinstance(found, torch.Tensor) else found[0]
    with policy.untuned():
        plain = layer(hidden)
        plain = plain if isinstance(plain, torch.Tensor) else plain[0]
    inner = F.gelu(plain @ own.down.weight.T + own.down.bias)
    assert inner.shape == (2, 3, 5)
    assert torch.allclose(found, plain + inner @ own.up.weight.T + own.up.bias, atol=1e-6)
    assert not torch.allclose(found, plain, atol=1e-2)


@torch.no_grad()
@pytest.mark.parametrize("task", ["tagging", "classification"])
def test_a_prompt_stands_before_the_text_and_is_not_pooled(
    policy_of: Any, commands: Any, task: str
) -> None:
    dataset = commands(task)
    batch = dataset["train"].batch(range(4))
    policy = policy_of(dataset, encoder="tiny", tune="prompt", prompt_tokens=3)
    plain = policy_of(dataset, encoder="tiny", tune="full")
    texts = policy.texts(batch)
    words = plain.encoder.get_input_embeddings()(texts.input_ids)
    virtual = policy.encoder.prompt.tokens.embedding.weight
    assert virtual.shape == (3, 64)
    mask = torch.cat([torch.ones(len(words), 3, dtype=torch.long), texts.attention_mask], 1)
    embeddings = torch.cat([virtual.expand(len(words), -1, -1), words], 1)
    out = plain.encoder(inputs_embeds=embeddings, attention_mask=mask).last_hidden_state[:, 3:]
    whole = task == "classification"
    wanted = texts.pool_windows(plain.encoder.pooler(out)) if whole else texts.pool(out)
    assert torch.allclose(policy.features(texts), wanted, atol=1e-6)


def test_a_prompt_needs_room(policy_of: Any, commands: Any, encoder_of: Any) -> None:
    dataset, encoder = commands("tagging", 64), encoder_of("bert")  # 90 positions
    tokens = policy_of(dataset, encoder=encoder).observation_space["input_ids"].tokens
    policy_of(dataset, encoder=encoder, tune="prompt", prompt_tokens=90 - tokens)
    message = rf"takes 90 tokens; {91 - tokens} are the prompt's.*max_tokens={tokens - 1}"
    with pytest.raises(ValueError, match=message):
        policy_of(dataset, encoder=encoder, tune="prompt", prompt_tokens=91 - tokens)


@torch.no_grad()
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("autocast", [False, True])
def test_both_entrances_give_the_same_numbers(
    policy_of: Any, commands: Any, method: str, autocast: bool
) -> None:
    from lingym.agents import LabelVecEnv
    from lingym.envs import LabelVectorEnv

    dataset = commands("tagging")
    policy = policy_of(dataset, encoder="tiny", tune=method, autocast=autocast)
    disturb(policy)
    env = LabelVecEnv(LabelVectorEnv(dataset=dataset, num_envs=4))
    env.seed(0)
    obs, _ = policy.obs_to_tensor(env.reset())
    batch = dataset["train"].batch(env.env.game.examples)
    logits = policy.get_distribution(obs).distribution.logits
    whole = policy.distribution(policy.features(policy.texts(batch)), batch)
    labels = torch.from_numpy(batch.gold).long()
    limit = 0.25 if autocast else 1e-5  # of logits that reach 12
    assert torch.allclose(logits, whole.log_probs(labels)[:, 0], atol=limit)
    values = policy.values(policy.features(policy.texts(batch)), labels, batch)[:, 0]
    assert torch.allclose(policy.predict_values(obs)[:, 0], values, atol=limit)


@pytest.mark.parametrize("method", ["lora", "adapter", "prompt", "ia3"])
def test_switched_off_the_encoder_is_the_base(policy_of: Any, commands: Any, method: str) -> None:
    dataset = commands("classification")
    batch = dataset["train"].batch(range(4))
    plain = policy_of(dataset, encoder="tiny", tune="full")
    policy = policy_of(dataset, encoder="tiny", tune=method)
    disturb(policy)
    texts = policy.texts(batch)
    tuned = policy.encode(texts)
    with policy.untuned(), torch.no_grad():
        with policy.untuned():
            assert torch.equal(policy.encode(texts), plain.encode(texts))
        assert torch.equal(policy.encode(texts), plain.encode(texts))
    tuned.sum().backward()  # as if nothing had been
    learned = [weight for weight in policy.encoder.parameters() if weight.requires_grad]
    assert learned and all(weight.grad is not None for weight in learned)
    assert torch.equal(policy.encode(texts), tuned)
    assert not torch.allclose(tuned, plain.encode(texts), atol=1e-3)


@pytest.mark.parametrize("method", ["full", "bitfit", "top:1"])
def test_what_changes_the_encoder_itself_is_not_switched_off(
    policy_of: Any, commands: Any, method: str
) -> None:
    policy = policy_of(commands("tagging"), encoder="tiny", tune=method)
    with pytest.raises(ValueError, match=f"tune {method} changes the encoder's weights"):
        policy.untuned().__enter__()


def test_a_frozen_encoder_is_never_in_training_mode(policy_of: Any, commands: Any) -> None:
    dataset = commands("tagging")
    policy = policy_of(dataset, encoder="tiny", tune="frozen")
    assert policy.encoder_constant
    policy.train(True)
    assert policy.training and policy.dropout.training
    assert not any(module.training for module in policy.encoder.modules())
    texts = policy.texts(dataset["train"].batch(range(4)))
    assert not policy.encode(texts).requires_grad
    other = policy_of(dataset, encoder="tiny", tune="lora")
    other.train(True)
    assert not other.encoder_constant and other.encoder.training


@pytest.mark.parametrize("method", METHODS)
def test_global_random_state_is_left_alone(policy_of: Any, commands: Any, method: str) -> None:
    """Heads, and all that is drawn later, are the same under all methods."""
    dataset = commands("tagging")
    plain = policy_of(dataset, seed=4, encoder="tiny", tune="full")
    wanted = torch.rand(3)
    policy = policy_of(dataset, seed=4, encoder="tiny", tune=method)
    assert torch.equal(torch.rand(3), wanted)
    assert torch.equal(policy.label_head.weight, plain.label_head.weight)
    again = policy_of(dataset, seed=4, encoder="tiny", tune=method)
    for one, two in zip(policy.parameters(), again.parameters(), strict=True):
        assert torch.equal(one, two)


@pytest.mark.parametrize("method", METHODS)
def test_a_light_copy_has_its_own_of_what_is_trained_alone(
    policy_of: Any, commands: Any, method: str
) -> None:
    policy = policy_of(commands("tagging"), encoder="tiny", tune=method)
    copied = light_copy(policy)
    every = {id(weight): weight.numel() for one in (policy, copied) for weight in one.parameters()}
    trained, whole = trained_parameters(policy)
    assert sum(every.values()) == whole + trained
    assert trained_parameters(copied) == (trained, whole)
    disturb(policy)
    batch = commands("tagging")["train"].batch(range(4))
    same = torch.equal(policy.encode(policy.texts(batch)), copied.encode(copied.texts(batch)))
    assert same == (method == "frozen")


def test_rates_and_decay(policy_of: Any, commands: Any) -> None:
    """What is new learns as fast as a head; factors of one do not decay to zero."""
    policy = policy_of(commands("tagging"), encoder="tiny", tune="ia3", head_lr_scale=7.0)
    groups = {
        id(weight): (group["lr_scale"], group["weight_decay"])
        for group in policy.optimizer.param_groups
        for weight in group["params"]
    }
    found = {groups[id(weight)] for weight in policy.encoder.parameters() if weight.requires_grad}
    assert found == {(7.0, 0.0)}
    top = policy_of(commands("tagging"), encoder="tiny", tune="top:1", head_lr_scale=7.0)
    scales = [g["lr_scale"] for g in top.optimizer.param_groups]
    assert sorted(set(scales)) == [1.0, 7.0]


@pytest.mark.parametrize(
    ("tune", "sizes", "message"),
    [
        ("lorra", {}, "tune must be one of full, frozen, top:N"),
        ("top", {}, "tune must be one of full"),
        ("top:0", {}, "N layers and at least 1, got 'top:0'"),
        ("top:x", {}, "N layers and at least 1, got 'top:x'"),
        ("lora:2", {}, "tune must be one of"),
        ("full", {"lora_rank": 4}, "lora_rank is for tune lora, not full"),
        ("lora", {"adapter_width": 4}, "adapter_width is for tune adapter, not lora"),
        ("lora", {"lora_rank": 0}, "lora_rank must be a whole number from 1 on, got 0"),
        ("lora", {"lora_alpha": -1.0}, "lora_alpha must be a number above 0, got -1.0"),
    ],
)
def test_what_is_no_method_is_refused(tune: str, sizes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Tuning.of(tune, **sizes)


def test_what_was_kept_is_kept() -> None:
    kept = Tuning.of("lora", lora_rank=4)
    assert Tuning.of(None, kept) == Tuning.of("lora", kept) == kept
    assert Tuning.of("lora", kept, lora_alpha=1.0) == Tuning("lora", lora_rank=4, lora_alpha=1.0)
    assert Tuning.of("adapter", kept) == Tuning("adapter")
    assert Tuning.of(None) == Tuning("full")


def test_without_peft_the_error_says_what_to_install(
    policy_of: Any, commands: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "peft", None)
    for method in ("lora", "ia3", "prompt"):
        with pytest.raises(ImportError, match=r"pip install 'lingym\[peft\]'"):
            policy_of(commands("tagging"), encoder="tiny", tune=method)
    policy_of(commands("tagging"), encoder="tiny", tune="adapter")


def test_a_family_without_attention_is_named(tmp_path: Path, policy_of: Any, commands: Any) -> None:
    torch.manual_seed(0)
    config = transformers.FNetConfig(
        vocab_size=1000, hidden_size=32, num_hidden_layers=2, intermediate_size=48
    )
    transformers.AutoModel.from_config(config).save_pretrained(tmp_path)
    with pytest.raises(ValueError, match=r"family fnet\): use tune adapter, bitfit or top:N"):
        policy_of(commands("tagging"), encoder=str(tmp_path), tune="lora")
