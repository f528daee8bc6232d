"""Reads files with little memory, and says how each ended: ``python large.py MIB FORMAT=PATH ...``.

A process of its own, for what it may take is limited to MIB more than it has once all is imported.
"""

import json
import resource
import sys
import time

from lingym.envs.corpora import Options
from lingym.envs.corpora.sources import iter_records
from lingym.types import DataError


def main() -> None:
    """Prints a JSON object for each file: ``records``, ``error`` (or ""), and ``seconds``."""
    with open("/proc/self/statm") as file:
        held = int(file.read().split()[0]) * resource.getpagesize()
    most = held + int(sys.argv[1]) * 2**20
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    for argument in sys.argv[2:]:
        form, path = argument.split("=", 1)
        options = Options(format=form) if form else None
        start, records, error = time.perf_counter(), 0, ""
        try:
            for _ in iter_records(path, "train", options):
                records += 1
        except DataError as fault:
            error = str(fault)
        seconds = round(time.perf_counter() - start, 3)
        print(json.dumps({"records": records, "error": error, "seconds": seconds}))


if __name__ == "__main__":
    main()
