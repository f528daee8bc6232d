"""Adversarial training on embeddings, against the same by hand, and with every agent."""

from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel

from lingym.agents import REINFORCE, LabelVecEnv, Robustness, Supervised
from lingym.agents.adversarial import Perturbation
from lingym.agents.losses import masked_mean
from lingym.agents.passes import Passes
from lingym.agents.update_parts import taken
from lingym.envs import Dataset
from lingym.policies import LabelPolicy
from lingym.scripts.training import AGENTS

RNG = np.random.default_rng(0)
TABLE, WEIGHTS = RNG.normal(size=(7, 3)), RNG.normal(size=3)
IDS = np.array([[1, 2, 3, 4], [5, 6, 0, 0]])
MASK = np.array([[1, 1, 1, 1], [1, 1, 0, 0]])


class Plain(nn.Module):
    """An encoder that only embeds."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding.from_pretrained(torch.from_numpy(TABLE), freeze=False)
        self.weights = nn.Parameter(torch.from_numpy(WEIGHTS))

    def get_input_embeddings(self) -> nn.Module:
        return self.table

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Any:
        embedded: Tensor = self.table(input_ids)
        return embedded


def by_hand(settings: Robustness, start: np.ndarray) -> np.ndarray:
    """The gradient by the weights w of sum_n (sum_t w . x_nt)^2 / 2, padding tokens counted too."""
    x, delta = TABLE[IDS], start
    gradients = []
    for _ in settings.pass_weights:
        total = (x + delta).sum(1)  # [N, D]
        score = total @ WEIGHTS  # [N]
        gradients.append(score @ total)
        up = score[:, None, None] * WEIGHTS * MASK[..., None]
        moved = delta + settings.rate * up / np.sqrt((up**2).sum((1, 2), keepdims=True))
        long = np.sqrt((moved**2).sum((1, 2), keepdims=True))
        delta = np.where(long > settings.eps, moved * settings.eps / long, moved)
    return np.array(settings.pass_weights) @ np.stack(gradients)


@pytest.mark.parametrize(
    "settings",
    [
        Robustness("fgm", adversarial_eps=0.7),
        Robustness("pgd", adversarial_eps=0.7, adversarial_steps=3, adversarial_rate=0.3),
        Robustness("pgd", adversarial_eps=0.7, adversarial_steps=4, adversarial_rate=0.1),
        Robustness("freelb", adversarial_eps=0.7, adversarial_steps=3, adversarial_rate=0.4),
    ],
)
def test_gradients_are_those_by_hand(settings: Robustness) -> None:
    encoder = Plain()
    policy = SimpleNamespace(encoder=encoder, device=torch.device("cpu"))
    passes = Passes(settings, policy, 3)
    state = passes.generator.get_state()

    def compute() -> tuple[Tensor, dict[str, float]]:
        read = encoder(input_ids=torch.from_numpy(IDS), attention_mask=torch.from_numpy(MASK))
        return ((read.sum(1) @ encoder.weights) ** 2).sum() / 2, {}

    loss, _ = passes.loss(compute)
    told = passes.backward(loss)
    start = np.zeros((*IDS.shape, 3))
    if settings.adversarial == "freelb":
        generator = torch.Generator()
        generator.set_state(state)
        drawn = torch.zeros(start.shape).uniform_(-0.7, 0.7, generator=generator)
        start = drawn.numpy() * MASK[..., None] / np.sqrt(MASK.sum(1) * 3)[:, None, None]
        assert (np.sqrt((start**2).sum((1, 2))) < 0.7).all()
    assert encoder.weights.grad is not None
    np.testing.assert_allclose(encoder.weights.grad.numpy(), by_hand(settings, start), rtol=1e-5)
    assert told["adversarial_loss"] > loss.item()
    plain = float(((TABLE[IDS].sum(1) @ WEIGHTS) ** 2).sum() / 2)
    if settings.adversarial == "fgm":  # the score grows by eps |w| sqrt(tokens)
        score = TABLE[IDS].sum(1) @ WEIGHTS
        longer = abs(score) + 0.7 * np.linalg.norm(WEIGHTS) * np.sqrt(MASK.sum(1))
        assert told["adversarial_loss"] == pytest.approx((longer**2).sum() / 2, rel=1e-5)
        assert loss.item() == pytest.approx(plain)
    assert not encoder._forward_pre_hooks and not encoder.table._forward_hooks


FAMILIES: dict[str, dict[str, Any]] = {
    "bert": {},
    "roberta": {},
    "distilbert": {"dim": 8, "n_layers": 1, "n_heads": 2, "hidden_dim": 8},
    "deberta-v2": {},
}


@pytest.mark.parametrize("family", FAMILIES)
def test_encoders_of_every_family_are_perturbed_but_at_padding(family: str) -> None:
    sizes = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = AutoConfig.for_model(
        family, vocab_size=11, intermediate_size=8, **(FAMILIES[family] or sizes)
    )
    encoder: Any = AutoModel.from_config(config).eval()
    ids, mask = torch.from_numpy(IDS + 2), torch.from_numpy(MASK)
    perturbation = Perturbation(2.0, 1.0, torch.Generator().manual_seed(0))

    def read() -> Tensor:
        hidden: Tensor = encoder(input_ids=ids, attention_mask=mask).last_hidden_state
        return hidden[mask > 0]

    before = read()
    with perturbation.added(encoder):
        moved = read()
        with torch.no_grad():
            assert torch.equal(read(), before)  # as a reference that shares the encoder reads
        gradient = perturbation.backward(moved.square().sum(), 1.0)
    assert torch.equal(read(), before) and not torch.allclose(moved, before)
    perturbation.ascend(gradient)
    delta = perturbation.delta
    assert delta is not None and delta.shape == (2, 4, 8)
    assert (delta[mask == 0] == 0).all() and (delta[mask > 0] != 0).any(-1).all()


OWN: dict[str, dict[str, Any]] = {
    "supervised": {"batch_size": 4},
    "ppo": {"dropout": True, "samples": 2, "baseline": "leave-one-out", "n_epochs": 2},
    "reinforce": {"dropout": True, "samples": 3, "baseline": "value"},
    "expected_reward": {"dropout": True, "gold_coef": 0.5},
    "minimum_risk": {"dropout": True, "samples": 3},
}


@pytest.fixture
def agent(
    commands: Callable[..., Dataset],
    vec_env: Callable[..., LabelVecEnv],
    randomise: Callable[[LabelPolicy, int], None],
) -> Callable[..., Any]:
    """An agent by its name, with gradient descent; its random heads are not sure, or are."""

    def make(name: str, robust: Robustness | None = None, sure: bool = False, **own: Any) -> Any:
        policy = {"history": "previous", "optimizer_class": torch.optim.SGD}
        settings = {"n_steps": 8, "batch_size": 8, "seed": 0, "device": "cpu"} | OWN[name] | own
        env = vec_env(commands("tagging"), None if name == "supervised" else "accuracy")
        made = AGENTS[name](
            *("LabelPolicy", env),
            policy_kwargs=policy,
            learning_rate=1.0,
            robust=robust,
            **settings,
        )
        if sure:
            randomise(made.policy, 0)
        return made

    return make


def learned(learner: Any, texts: int = 8) -> Tensor:
    """All weights after these texts, in float64."""
    learner.learn(total_episodes=texts)
    return torch.cat([weight.flatten() for weight in learner.policy.state_dict().values()]).double()


@pytest.mark.parametrize("name", OWN)
def test_perturbations_of_length_0_are_plain_training(agent: Callable[..., Any], name: str) -> None:
    before = torch.cat([w.flatten() for w in agent(name).policy.state_dict().values()])
    plain = learned(agent(name))
    assert (plain - before).abs().max() > 1e-3
    for method in ("fgm", "pgd", "freelb"):
        robust = Robustness(method, adversarial_eps=0.0)  # type: ignore[arg-type]
        same = learned(agent(name, robust))
        assert torch.allclose(same, plain, rtol=1e-4, atol=2e-6)
    far = learned(agent(name, Robustness("fgm")))
    assert (far - plain).abs().max() > 1e-4


@pytest.mark.parametrize("name", [name for name in OWN if name != "supervised"])
def test_labelings_are_judged_once(
    agent: Callable[..., Any], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts = []
    for robust in (Robustness(), Robustness("pgd", adversarial_steps=2, r_drop=1.0)):
        learner, asked = agent(name, robust), []
        play = learner.label_env.play

        def playing(*given: Any, play: Any = play, asked: Any = asked, **named: Any) -> Any:
            asked.append(given[0].copy())
            return play(*given, **named)

        monkeypatch.setattr(learner.label_env, "play", playing)
        learner.learn(total_episodes=8)
        counts.append(len(asked))
    assert counts[0] == counts[1] > 0


def test_reinforce_weighs_labels_by_what_they_have_become(agent: Callable[..., Any]) -> None:
    robust = Robustness("fgm", adversarial_eps=30.0)
    learner = agent("reinforce", robust, sure=True, baseline="leave-one-out")
    drawn = torch.Generator().manual_seed(0)
    learner._rewards = lambda batch, labels: torch.rand(labels.shape, generator=drawn)
    batch = learner.label_env.episodes.batch(range(6))
    passes, policy = learner.passes, learner.policy
    loss, _ = passes.loss(partial(learner.loss, batch))
    labels, (_, advantages) = passes._decided["labels"], passes._decided["judged"]
    perturbation = passes._perturbation
    told = passes.backward(loss)

    def log_probs() -> Tensor:
        features = policy.features(policy.texts(batch))
        return taken(policy.distribution(features, batch).log_probs(labels), labels)

    before = log_probs()
    with perturbation.added(policy.encoder):
        now = log_probs()
    mask = labels >= 0
    weights = (now - before).exp().clamp(max=2.0)
    assert (weights[mask] < 0.9).any() and (weights[mask] == 2).any()
    terms = torch.where(mask, now * weights * advantages, 0.0)
    assert told["adversarial_loss"] == pytest.approx(-masked_mean(terms, mask).item(), rel=1e-4)


def test_of_a_loss_that_is_not_the_update_s_the_plain_gradient_is_taken(
    agent: Callable[..., Any],
) -> None:
    learner = agent("supervised", Robustness("fgm"))
    batch = learner.label_env.episodes.batch(range(6))
    learner.passes.loss(partial(learner.loss, batch))
    assert learner.passes.backward(learner.loss(batch)[0]) == {}


def test_one_seed_is_one_run(agent: Callable[..., Any]) -> None:
    robust = Robustness("freelb", adversarial_steps=2)
    one, again = (learned(agent("reinforce", robust)) for _ in range(2))
    assert torch.equal(one, again)


@pytest.mark.parametrize("tune", ["top:1", "bitfit", "adapter", "lora", "prompt", "ia3"])
def test_what_of_the_encoder_is_trained_does_not_matter(
    commands: Callable[..., Dataset], vec_env: Callable[..., LabelVecEnv], tune: str
) -> None:
    if tune in ("lora", "prompt", "ia3"):
        pytest.importorskip("peft")
    learner = Supervised(
        *("LabelPolicy", vec_env(commands("tagging"))),
        **dict(n_steps=8, batch_size=8, seed=0, device="cpu", policy_kwargs={"tune": tune}),
        robust=Robustness("fgm", adversarial_eps=5.0),
    )
    learner.learn(total_episodes=8)
    told = learner.logger.name_to_value  # of the last dump: empty; so once more, by hand
    batch = learner.label_env.episodes.batch(range(8))
    loss, _ = learner.passes.loss(partial(learner.loss, batch))
    told = learner.passes.backward(loss)
    assert told["adversarial_loss"] > loss.item()


def test_a_frozen_encoder_is_refused(
    commands: Callable[..., Dataset], vec_env: Callable[..., LabelVecEnv]
) -> None:
    env = vec_env(commands("tagging"), "accuracy")
    for robust, what in (
        (Robustness("fgm"), "adversarial"),
        (Robustness(l2_start=1.0), "l2_start"),
    ):
        with pytest.raises(ValueError, match=f"{what} is of no use to an encoder that is frozen"):
            REINFORCE("LabelPolicy", env, policy_kwargs={"tune": "frozen"}, robust=robust)
