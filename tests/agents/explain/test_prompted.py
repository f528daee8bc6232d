"""Labels that a masked-language head gives are explained by every method, too."""

import numpy as np
import pytest

from lingym.agents import Supervised
from lingym.agents.explain import METHODS, Explainer, Method
from lingym.envs import Classification, LabelVectorEnv, build
from lingym.envs.verbaliser import word_ids
from lingym.policies import LabelPolicy
from tests.policies.masked import PATTERN, WORDS, made_corpus, save_masked


@pytest.fixture(scope="module")
def prompted(tmp_path_factory: pytest.TempPathFactory) -> tuple[LabelPolicy, object]:
    folder = tmp_path_factory.mktemp("masked")
    save_masked(folder, steps=40)
    dataset = build(Classification(pattern=PATTERN), made_corpus(30, 0), str(folder))
    words = word_ids(dataset.tokenizer, dataset.space, WORDS)
    arguments = {"encoder": str(folder), "verbaliser": words}
    env = LabelVectorEnv(dataset=dataset)
    agent = Supervised("LabelPolicy", env, device="cpu", seed=0, policy_kwargs=arguments)
    return agent.policy, dataset["test"]


@pytest.mark.parametrize("method", METHODS)
def test_words_of_the_text_are_scored_and_the_pattern_is_not(
    method: Method, prompted: tuple[LabelPolicy, object]
) -> None:
    policy, episodes = prompted
    [found] = Explainer(policy, method, tolerance=0.05).explain(episodes, [0])  # type: ignore[arg-type]
    text = episodes.examples[0].units[0]  # type: ignore[attr-defined]
    assert found.layout.words == tuple(text.split())
    assert found.scores.shape == (1, len(found.layout.words))
    assert np.isfinite(found.scores).all() and (found.scores != 0).any()
    if method == "integrated-gradients":
        assert found.error is not None and (found.error <= 0.05).all()
        assert found.scores.sum() == pytest.approx(float((found.whole - found.empty)[0]), rel=0.05)
