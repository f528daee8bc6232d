"""`lingym data WHAT`: labelled files, looked through and cleaned."""

from dataclasses import dataclass
from typing import Annotated

from tyro.conf import subcommand

from lingym.scripts.data_check import DataCheck
from lingym.scripts.data_clean import DataClean


@dataclass(frozen=True)
class Data:
    """Look through labelled files before training, and clean them."""

    what: Annotated[DataCheck, subcommand("check")] | Annotated[DataClean, subcommand("clean")]

    def run(self) -> None:
        """Do it."""
        self.what.run()
