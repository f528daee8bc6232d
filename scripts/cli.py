"""The console command `lingym`: one line a subcommand, each a file of this room."""

import logging
import os
import sys
from collections.abc import Sequence
from typing import Annotated

import tyro
from tyro.conf import subcommand

from lingym.scripts.bench import Bench
from lingym.scripts.check_reward import CheckReward
from lingym.scripts.continual import Continual
from lingym.scripts.data import Data
from lingym.scripts.demo import Demo
from lingym.scripts.evaluate import Evaluate
from lingym.scripts.explain import Explain
from lingym.scripts.fuse import Fuse
from lingym.scripts.label_next import LabelNext
from lingym.scripts.learn_next import LearnNext
from lingym.scripts.listing import Envs, Rewards
from lingym.scripts.merge import Merge
from lingym.scripts.pareto import Pareto
from lingym.scripts.predict import Predict
from lingym.scripts.resume import Resume, resume_of
from lingym.scripts.stream import Stream
from lingym.scripts.train import Train
from lingym.scripts.tune import Tune
from lingym.scripts.tune_parameters import TuneParameters

Command = (
    Annotated[Train, subcommand("train")]
    | Annotated[Evaluate, subcommand("evaluate")]
    | Annotated[Explain, subcommand("explain")]
    | Annotated[Predict, subcommand("predict")]
    | Annotated[Fuse, subcommand("fuse")]
    | Annotated[LabelNext, subcommand("label-next")]
    | Annotated[LearnNext, subcommand("learn-next")]
    | Annotated[Stream, subcommand("stream")]
    | Annotated[Envs, subcommand("envs")]
    | Annotated[Rewards, subcommand("rewards")]
    | Annotated[CheckReward, subcommand("check-reward")]
    | Annotated[Tune, subcommand("tune")]
    | Annotated[TuneParameters, subcommand("tune-parameters")]
    | Annotated[Pareto, subcommand("pareto")]
    | Annotated[Merge, subcommand("merge")]
    | Annotated[Continual, subcommand("continual")]
    | Annotated[Demo, subcommand("demo")]
    | Annotated[Bench, subcommand("bench")]
    | Annotated[Data, subcommand("data")]
)


def parse(words: Sequence[str] | None = None) -> Command | Resume:
    """The command that the words ask for, not yet run; wrong words or ``--help`` exit."""
    resumed = resume_of(sys.argv[1:] if words is None else words)
    if resumed is not None:
        return resumed
    return tyro.cli(
        Command,
        prog="lingym",
        description="Reinforcement learning for labelling text.",
        args=words,
        config=(tyro.conf.OmitArgPrefixes,),
    )


def main(words: Sequence[str] | None = None) -> None:
    """Run the command line; a mistake of the user's ends in one line, not in a traceback.

    Set ``LINGYM_TRACEBACK=1`` to see where an error came from.
    """
    logging.basicConfig(format="%(message)s", stream=sys.stderr)
    logging.getLogger("lingym").setLevel(logging.INFO)
    try:
        parse(words).run()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader has gone
    except (
        *(ValueError, KeyError, OSError, RuntimeError, FloatingPointError),
        ImportError,  # of a library that only some options need
    ) as error:
        if os.environ.get("LINGYM_TRACEBACK"):
            raise
        text = error.args[0] if isinstance(error, KeyError) else error
        if isinstance(error, OSError) and error.filename is not None and error.strerror:
            text = f"{error.filename}: {error.strerror}"  # without the number, the file first
        sys.exit(f"lingym: error: {text}")


if __name__ == "__main__":
    main()
