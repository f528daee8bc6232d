"""Fuzzing a reader, guided by what of it was covered, where atheris is installed.

``python -m tests.fuzz.guided NAME SECONDS FOLDER``: files are kept in FOLDER, and the first that
a reader neither reads nor refuses with a place ends the search with a status other than 0.
"""

import sys
from pathlib import Path

import atheris  # pyright: ignore[reportMissingImports]

with atheris.instrument_imports(include=["lingym.envs.corpora", "csv", "json"]):
    from tests.fuzz.readers import READERS
    from tests.fuzz.test_corpora import outcome


def main(name: str, seconds: str, folder: str) -> None:
    """Fuzzes a reader for some seconds."""
    reader, corpus = READERS[name], Path(folder) / "corpus"
    path = Path(folder) / f"a{reader.ending}"
    corpus.mkdir(exist_ok=True)
    for number, data in enumerate(reader.files):
        (corpus / str(number)).write_bytes(data)

    def one(data: bytes) -> None:
        path.write_bytes(data)
        outcome(reader, path, data.count(b"\n") + 1)

    options = [f"-max_total_time={seconds}", "-max_len=4000", f"-artifact_prefix={folder}/"]
    atheris.Setup([sys.argv[0], *options, str(corpus)], one)
    atheris.Fuzz()  # does not return


if __name__ == "__main__":
    main(*sys.argv[1:])
