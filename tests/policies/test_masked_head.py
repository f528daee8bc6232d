"""A masked-language head as a label head: the model's own logits, zero-shot, trained, and saved."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import (
    AutoModelForMaskedLM,
    BertConfig,
    BertModel,
    RobertaConfig,
    RobertaForMaskedLM,
)

from lingym.agents import PPO, REINFORCE, Labeller, Supervised, evaluate, predict_labels
from lingym.envs import Classification, Dataset, LabelVectorEnv, Relation, build
from lingym.envs.corpora import Corpus, Record
from lingym.envs.verbaliser import read_verbaliser, word_ids
from lingym.policies import LabelPolicy
from lingym.policies.masked_head import MaskedHead, masked_head
from lingym.types import DataError, LabelSpace
from tests.policies.masked import PATTERN, WORDS, made_corpus, save_masked


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("masked")
    save_masked(folder)
    return str(folder)


def asked(
    encoder: str, agent: Any = Supervised, texts: int = 90, max_tokens: int = 32, **more: Any
) -> tuple[Any, Dataset]:
    dataset = build(Classification(pattern=PATTERN), made_corpus(texts, 1), encoder, max_tokens)
    words = word_ids(dataset.tokenizer, dataset.space, WORDS)
    kwargs = {"encoder": encoder, "verbaliser": words}
    env = LabelVectorEnv(dataset=dataset)
    made = agent("LabelPolicy", env, seed=0, device="cpu", policy_kwargs=kwargs, **more)
    return made, dataset


def test_scores_are_the_models_own_logits_of_the_words_at_the_blank(encoder: str) -> None:
    agent, dataset = asked(encoder)
    texts = dataset["dev"]
    batch = texts.batch(np.arange(8, dtype=np.int32))
    with torch.no_grad():
        features = agent.policy.features(agent.policy.texts(batch))
        scores = agent.policy.distribution(features, batch).scores[:, 0]
        model = AutoModelForMaskedLM.from_pretrained(encoder)
        model.train(False)
        ids, mask = (torch.from_numpy(a).long() for a in (batch.input_ids, batch.attention_mask))
        logits = model(input_ids=ids, attention_mask=mask).logits
    blank = ids == dataset.tokenizer.token_to_id("[MASK]")
    assert (blank.sum(1) == 1).all()
    token = dataset.tokenizer.token_to_id
    wanted = [logits[blank][:, [token(w) for w in WORDS[n]]].mean(1) for n in dataset.space.names]
    torch.testing.assert_close(scores, torch.stack(wanted, 1), atol=1e-5, rtol=1e-5)


def test_it_labels_without_training_and_a_random_head_does_not(encoder: str) -> None:
    agent, dataset = asked(encoder)
    assert evaluate(agent.policy, dataset["test"])["accuracy"] > 0.9
    env = LabelVectorEnv(dataset=dataset)
    kwargs = {"encoder": encoder}
    plain = Supervised("LabelPolicy", env, seed=0, device="cpu", policy_kwargs=kwargs)
    assert evaluate(plain.policy, dataset["test"])["accuracy"] < 0.8


@pytest.mark.parametrize("agent", [Supervised, PPO, REINFORCE])
def test_every_agent_trains_it_and_it_is_saved_and_loaded(
    encoder: str, agent: Any, tmp_path: Path
) -> None:
    learner, dataset = asked(encoder, agent, n_steps=16, batch_size=8, learning_rate=1e-3)
    policy: LabelPolicy = learner.policy
    before = {name: value.clone() for name, value in policy.state_dict().items()}
    learner.learn(total_episodes=32)
    after = policy.state_dict()
    moved = {name for name, value in after.items() if not torch.equal(value, before[name])}
    assert any("label_head.model" in name for name in moved)
    assert any(name.startswith("encoder.") for name in moved)
    settings = {"pattern": PATTERN}
    Labeller(policy, "classification", dataset.tokenizer, 32, settings=settings).save(
        tmp_path / "m"
    )
    again = Labeller.load(tmp_path / "m", "cpu")
    text = dataset["test"]
    assert (predict_labels(again.policy, text) == predict_labels(policy, text)).all()
    batch = text.batch(np.arange(4, dtype=np.int32))
    with torch.no_grad():
        ours, theirs = (
            p.distribution(p.features(p.texts(batch)), batch).scores for p in (policy, again.policy)
        )
    torch.testing.assert_close(ours, theirs)
    row = again.predict(["the film is lovely and clever"])[0]
    assert row["text"] == "the film is lovely and clever" and set(row["probabilities"]) == set(
        WORDS
    )


def test_the_same_seed_gives_the_same_and_the_global_state_stays(encoder: str) -> None:
    state = torch.random.get_rng_state()
    masked_head(encoder, None, [[7], [8]], 2)
    assert torch.equal(state, torch.random.get_rng_state())
    runs = []
    for _ in range(2):
        learner, _ = asked(encoder, REINFORCE, n_steps=16, batch_size=8)
        learner.learn(total_episodes=16)
        runs.append(learner.policy.label_head.bias.detach().clone())
    assert torch.equal(*runs)


def test_it_learns_at_the_encoders_rate(encoder: str) -> None:
    agent, _ = asked(encoder)
    rates = {
        id(weight): group["lr_scale"]
        for group in agent.policy.optimizer.param_groups
        for weight in group["params"]
    }
    assert {rates[id(weight)] for weight in agent.policy.label_head.parameters()} == {1.0}
    assert rates[id(agent.policy.value_head.weight)] == 10.0


def test_a_long_text_is_read_in_windows_each_with_the_pattern_whole(encoder: str) -> None:
    long = " ".join(["the film is dull and silly"] * 12)
    corpus = Corpus((Record({"text": long, "label": "negative"}, "made", (1,)),), (), (), {})
    task = Classification(pattern=PATTERN, labels=("negative", "positive"))
    dataset = build(task, corpus, encoder, max_tokens=24)
    batch = dataset["train"].batch(np.array([0], np.int32))
    blank = dataset.tokenizer.token_to_id("[MASK]")
    assert len(batch.input_ids) > 3
    assert ((batch.input_ids == blank).sum(1) == 1).all()
    assert ((batch.unit_of_token == 0) == (batch.input_ids == blank)).all()
    end = dataset.tokenizer.encode("it was [MASK] .", add_special_tokens=False).ids
    for ids, mask in zip(batch.input_ids, batch.attention_mask, strict=True):
        assert ids[: int(mask.sum())][-1 - len(end) : -1].tolist() == end


def test_relations_name_their_ends_in_the_pattern(encoder: str) -> None:
    marked = "<e1>rain</e1> makes <e2>mud</e2>"
    record = Record({"text": marked, "label": "cause", "kind": "a fact"}, "made", (1,))
    other = Record({"text": marked, "label": "none", "kind": "a fact"}, "made", (2,))
    task = Relation(pattern="{kind} : {text} so {head} and {tail} : {mask}")
    dataset = build(task, Corpus((record, other), (), (), {}), "tiny", max_tokens=48)
    batch = dataset["train"].batch(np.array([0], np.int32))
    read = dataset.tokenizer.decode(batch.input_ids[0].tolist(), skip_special_tokens=False)
    assert (batch.unit_of_token[0] == 0).sum() == 1
    text = dataset["train"].examples[0].passages[0]
    assert text.cloze is not None
    assert text.cloze.before == ("a fact :",) and text.cloze.after == (" so rain and mud : ", "")
    assert read.count("[MASK]") == 1


def test_bytes_tell_a_word_after_a_blank_apart_and_other_heads_are_taken_out_too(
    tmp_path: Path,
) -> None:
    config = RobertaConfig(
        vocab_size=50, hidden_size=16, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=16, max_position_embeddings=20,
    )  # fmt: skip
    model = RobertaForMaskedLM(config)
    torch.nn.init.normal_(model.lm_head.bias)
    model.train(False)
    features = torch.randn(3, 1, 16)
    with torch.no_grad():
        wanted = model.lm_head(features)[..., [5, 9, 11]]
    model.save_pretrained(tmp_path)
    head = masked_head(str(tmp_path), config, [[5, 9], [11]], 2)
    scores = head(features)
    torch.testing.assert_close(scores[..., 0], wanted[..., :2].mean(-1))
    torch.testing.assert_close(scores[..., 1], wanted[..., 2])
    assert sum(weight.numel() for weight in head.parameters()) < 50 * 16  # no vocabulary
    assert isinstance(head, MaskedHead)


def test_an_encoder_without_such_a_head_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="encoder 'tiny' has no masked-language head"):
        masked_head("tiny", None, [[5], [6]], 2)
    config = BertConfig(
        vocab_size=30, hidden_size=8, num_hidden_layers=1, num_attention_heads=1,
        intermediate_size=8, max_position_embeddings=16,
    )  # fmt: skip
    BertModel(config).save_pretrained(tmp_path)
    with pytest.raises(ValueError, match=r"has no masked-language head.*its files lack cls\."):
        masked_head(str(tmp_path), config, [[5], [6]], 2)
    with pytest.raises(ValueError, match="words for 1 of 2 labels"):
        masked_head(str(tmp_path), config, [[5], []], 2)


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("{text} was good", r"must have \{mask\} once, and has it 0 times"),
        ("{mask} {text} {text}", r"must have \{text\} once, and has it 2 times"),
        ("{text} {mask!r}", "wanted names alone in braces"),
        ("{text} {mask} {", "pattern"),
    ],
)
def test_patterns_that_ask_nothing(pattern: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Classification(pattern=pattern)


def test_words_of_labels(encoder: str, tmp_path: Path) -> None:
    assert read_verbaliser("a=good,great b=bad") == {"a": ("good", "great"), "b": ("bad",)}
    file = tmp_path / "words.toml"
    file.write_text('"a b" = ["good"]\nc = "bad"\n')
    assert read_verbaliser(str(file)) == {"a b": ("good",), "c": ("bad",)}
    for source in ("good", "a=good a=bad", "=good", "a= b=c"):
        with pytest.raises(ValueError, match="wanted"):
            read_verbaliser(source)
    tokenizer = build(Classification(), made_corpus(9, 1), encoder, 32).tokenizer
    space = LabelSpace(("a", "b"), of_text=True)
    for words, message in (
        ({"a": ("good",)}, "lacks words for b; the labels are a, b"),
        ({"a": ("good",), "b": ("bad",), "c": ("poor",)}, "has 'c'"),
        ({"a": ("good",), "b": ("badly",)}, "the word 'badly' of 'b' is no token of its own"),
        ({"a": ("good",), "b": ("good",)}, "the word 'good' means 'a' and 'b'"),
    ):
        with pytest.raises(ValueError, match=message):
            word_ids(tokenizer, space, words)


def test_a_pattern_that_leaves_no_room_or_holds_a_blank_names_the_text(encoder: str) -> None:
    def read(pattern: str, **columns: str) -> None:
        record = Record({"text": "a film", "label": "a", **columns}, "made", (3,))
        build(
            Classification(pattern=pattern, labels=("a", "b")),
            Corpus((record,), (), (), {}),
            encoder,
            16,
        )

    with pytest.raises(DataError, match=r"made:3: .*stands beside the text and takes 14 of the 16"):
        read("{text} it was " + "good " * 11 + " {mask}")
    with pytest.raises(DataError, match=r"hold the blank itself, \[MASK\]"):
        read("{text} {kind} {mask}", kind="a [MASK]")
    with pytest.raises(DataError, match="made:3"):
        read("{text} {nothing} {mask}")
