"""Write the hashed lists of packages beside this file from constraints.txt: `make lock`.

    python requirements/lock.py UV

- ``build.lock``: what packages that come as source are built with;
- ``test.lock``: every package of constraints.txt, with the hashes of all its files on PyPI;
- ``torch.lock``: torch alone, for a CPU build that pip knows of by a folder: its indices come first
  otherwise, since they tell hashes before a file is read;
- ``torch-cuda.lock``: what PyPI's torch needs for a GPU on Linux, and its CPU builds do not.

A build of torch that pip would take here from elsewhere than PyPI (a CPU build) is added by its
hash, and the hashes of such builds that were listed before stay while the version does.
"""

import json
import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).parents[1]
EXTRAS = ("dev", "minilm", "datasets", "masked", "tune", "peft", "explain", "hygiene", "ray")
HEAD = "# Written by `make lock` out of constraints.txt: do not edit. {}\n"
FILES = {
    "build.lock": "Install it first, with --require-hashes.",
    "test.lock": "Install it with --require-hashes --no-deps --no-build-isolation.",
    "torch.lock": "A CPU build at hand, with --require-hashes --no-deps --no-index, first.",
    "torch-cuda.lock": "Only beside a torch for GPUs: `pip check` misses these then.",
}
Pins = dict[str, list[str]]
"""The lines of each package, by its normalised name."""


def read(text: str) -> Pins:
    """The packages of a lock, each with its line and its hashes."""
    found: Pins = {}
    for line in text.splitlines():
        named = re.match(r"([\w.-]+)==", line)
        if named:
            name = normal(named[1])
        if named or line.startswith("    --hash="):
            found.setdefault(name, []).append(line.removesuffix("\\").strip())
    return found


def normal(name: str) -> str:
    """A package's name as all its spellings have it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def pinned() -> set[str]:
    """The packages that constraints.txt names."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return {
        normal(line.partition("==")[0]) for line in lines if "==" in line[1:] and line[0] != "#"
    }


def text(pins: Pins, names: Iterable[str], why: str) -> str:
    """The lock of some packages."""
    rows = [" \\\n    ".join(pins[name]) for name in sorted(names)]
    return HEAD.format(why) + "\n".join(rows) + "\n"


def main(uv: str) -> None:
    """Write the three files."""
    extras = [word for extra in EXTRAS for word in ("--extra", extra)]
    made = subprocess.run(
        [
            *(uv, "pip", "compile", "pyproject.toml", *extras, "--constraint", "constraints.txt"),
            *("--generate-hashes", "--universal", "--python-version", "3.11", "--native-tls"),
            *("--no-annotate", "--no-header", "--quiet"),
            *("--default-index", "https://pypi.org/simple"),
        ],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    pins, own = read(made.stdout), pinned()
    if own - pins.keys():
        sys.exit(f"constraints.txt has what no extra asks for: {sorted(own - pins.keys())}")
    file = Path(__file__).with_name("test.lock")
    before = read(file.read_text(encoding="utf-8")).get("torch", [""]) if file.exists() else [""]
    kept = before[1:] if before[0] == pins["torch"][0] else []
    pins["torch"] = [pins["torch"][0], *sorted({*pins["torch"][1:], *kept, here("torch")})]
    # What constraints.txt lacks is of other systems, or of torch's GPU builds alone.
    gpu = {n for n in pins.keys() - own if re.match(r"(cuda|nvidia)-|triton$", n)}
    parts = dict(zip(FILES, ({"setuptools"}, pins.keys() - gpu, {"torch"}, gpu), strict=True))
    for name, of in parts.items():
        file.with_name(name).write_text(text(pins, of, FILES[name]), encoding="utf-8")
        print(f"requirements/{name}: {len(of)} packages")


def here(name: str) -> str:
    """The hash of the file of a package that pip would install on this machine."""
    asked = ["install", "--dry-run", "--ignore-installed", "--no-deps", "--quiet", "--report", "-"]
    told = subprocess.run(
        [sys.executable, "-m", "pip", *asked, "--constraint", "constraints.txt", name],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    found = json.loads(told.stdout)["install"][0]["download_info"]["archive_info"]["hashes"]
    return f"--hash=sha256:{found['sha256']}"


if __name__ == "__main__":
    main(*sys.argv[1:])
