"""Rewards that move in a run, inside the agents that move them."""

from stable_baselines3.common.callbacks import BaseCallback

from lingym.agents import PPO, REINFORCE

REWARD = (
    "linear(1, 0)*named(normalized(accuracy, after=8), called='share')"
    "+linear(0, 1)*constrained(corpus_precision, corpus_recall, at_least=0.9, rate=0.1)"
)


class Log(BaseCallback):
    """What is in the log at the end of each rollout, and how far the run was when it began."""

    def __init__(self):
        super().__init__()
        self.progress, self.seen = [], []

    def _on_rollout_start(self):
        self.progress.append(self.training_env.env.reward.progress)

    def _on_rollout_end(self):
        self.seen.append({k: v for k, v in self.logger.name_to_value.items() if "reward" in k})

    def _on_step(self):
        return True


def test_ppo_moves_the_weights_and_logs_raw_parts(commands, vec_env):
    env = vec_env(commands("tagging"), REWARD)
    settings = {"policy_kwargs": {"encoder": "tiny"}, "seed": 0, "device": "cpu"}
    agent, log = PPO("LabelPolicy", env, n_steps=8, batch_size=8, **settings), Log()
    agent.learn(total_episodes=32, callback=log, log_interval=None)
    assert log.progress == [0.0, 0.25, 0.5, 0.75]
    last = log.seen[-1]
    assert [seen["reward_state/weight/share"] for seen in log.seen] == [1.0, 0.75, 0.5, 0.25]
    assert last["reward_state/weight/constrained"] == 0.75
    assert 0 <= last["reward/share"] <= 1  # raw: not divided by its spread
    assert last["reward_state/scale/accuracy"] < 1
    assert (
        last["reward_state/lagrange_multiplier"] > 0
    )  # the labels are by chance, and recall is low
    assert 0 <= last["reward_state/constraint"] < 0.9
    measured = {"reward_state/corpus_precision", "reward_state/corpus_recall"}
    assert measured <= last.keys()


def test_a_saved_agent_goes_on_with_what_its_reward_has_learned(commands, vec_env, tmp_path):
    settings = {"policy_kwargs": {"encoder": "tiny"}, "seed": 0, "device": "cpu"}
    agent = REINFORCE("LabelPolicy", vec_env(commands("tagging"), REWARD), **settings)
    agent.learn(total_episodes=16)
    agent.save(tmp_path / "agent")
    state = agent.label_env.reward.state()
    assert state["progress"] == 0.0 and state["1"]["price"] > 0
    again = REINFORCE.load(
        tmp_path / "agent", env=vec_env(commands("tagging"), REWARD), device="cpu"
    )
    assert again.label_env.reward.state() == state
    assert again.label_env.reward.readings() == agent.label_env.reward.readings()
