"""What a run's reward was, and what it has learned: ``reward.json`` in the run's folder."""

from pathlib import Path

from lingym.agents.labeller import model_folder
from lingym.reading import read_json, wanted
from lingym.rewards import Reward
from lingym.scripts.run_folder import write_json

FILE = "reward.json"


def save_reward(folder: Path, reward: Reward) -> None:
    """Write the reward as text, and its state, into a run's folder."""
    write_json(folder / FILE, {"reward": reward.to_spec(), "state": reward.state()})


def resume_reward(reward: Reward, warm_start: Path) -> str | None:
    """Let a reward go on from the state in which a run left it, if it was the same reward.

    Args:
        reward: bound to the labels of the new run.
        warm_start: the folder of the run, or of the model in it.

    Returns:
        What to tell the person who watches; None where the run's reward had learned nothing.

    Raises:
        ValueError: the file is not what a run wrote, or the reward has nothing more to say.
    """
    file = warm_start / FILE
    if not file.exists() and model_folder(warm_start) == warm_start:
        file = warm_start.resolve().parent / FILE
    if not file.is_file():
        if file.exists():  # a pipe, which would be waited for
            raise ValueError(f"{file} is no ordinary file")
        return None
    try:
        kept = read_json(file)
        text, state = kept["reward"], kept["state"]
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{file}: wanted the reward and the state of a run; {error!r}") from error
    if not state:
        return None
    if text != reward.to_spec():
        return f"the reward begins anew: {file} has the state of {text}"
    with wanted(file, f"the state of {text}"):
        reward.load_state(state)
    if reward.exhausted:
        raise ValueError(
            f"{file}: reward {text} has nothing more to say, because its budget is spent: give "
            "another --reward, or remove the file to begin anew"
        )
    return f"the reward goes on from {file}"
