"""The hashed locks are of the versions that constraints.txt pins."""

import importlib.util
import re
import sys
import tomllib
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest


def tool(root: Path, name: str) -> ModuleType:
    """A script of requirements/, which is no package."""
    spec = importlib.util.spec_from_file_location(name, root / "requirements" / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def lock(root: Path) -> ModuleType:
    """The script that writes the locks."""
    return tool(root, "lock")


def pins(root: Path, lock: ModuleType, name: str) -> dict[str, list[str]]:
    """The packages of a lock."""
    found: dict[str, list[str]] = lock.read((root / "requirements" / name).read_text())
    return found


def test_the_lock_and_the_constraints_are_in_step(root: Path, lock: ModuleType) -> None:
    wanted = {}
    for line in (root / "constraints.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            name, _, version = line.partition("==")
            wanted[lock.normal(name)] = version
    rows = pins(root, lock, "test.lock")
    versions = {name: re.split("[ ;]", own[0].partition("==")[2])[0] for name, own in rows.items()}
    assert {n: v for n, v in versions.items() if n in wanted} == wanted, "run `make lock`"
    for name in versions.keys() - wanted.keys():  # of other systems alone
        assert re.search(r"sys_platform == '(win32|emscripten)'", rows[name][0]), name


def test_every_package_has_hashes_and_torch_those_of_a_cpu_build_too(
    root: Path, lock: ModuleType
) -> None:
    for name in lock.FILES:
        for package, (line, *hashes) in pins(root, lock, name).items():
            assert re.match(r"[\w.-]+==\S+", line), package
            assert hashes, package
            assert all(re.fullmatch(r"--hash=sha256:[0-9a-f]{64}", each) for each in hashes)
            assert len({*hashes}) == len(hashes)
    whole = pins(root, lock, "test.lock")
    for name in ("build.lock", "torch.lock"):
        assert pins(root, lock, name).items() <= whole.items()
    gpu = pins(root, lock, "torch-cuda.lock")
    assert not gpu.keys() & pins(root, lock, "test.lock").keys()
    assert all("sys_platform == 'linux'" in rows[0] for rows in gpu.values())


def test_the_lock_is_of_every_extra(root: Path, lock: ModuleType) -> None:
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    assert {*lock.EXTRAS} == project["optional-dependencies"].keys()


def test_the_lock_is_read_as_it_is_written(lock: ModuleType) -> None:
    rows = {"b": ["b==1 ; x", "--hash=sha256:1", "--hash=sha256:2"], "a-c": ["a_c==2", "--hash=3"]}
    assert lock.read(lock.text(rows, rows, "why")) == rows


SAYS = """import sys, json
service = sys.argv[sys.argv.index('--vulnerability-service') + 1]
lock = sys.argv[sys.argv.index('--requirement') + 1]
names = [line.split('==')[0] for line in open(lock) if '==' in line]
{body}
"""
ROW = "[dict(name=n, version='1', vulns={vulns}) for n in names]"
SKIPPED = "[dict(name=n, skip_reason='not found') for n in names]"
FAULT = "[dict(id='CVE-1', fix_versions=['2'])]"


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        (f"print(json.dumps(dict(dependencies={ROW.format(vulns='[]')})))", 0, "no known"),
        (
            f"print(json.dumps(dict(dependencies={ROW.format(vulns=FAULT)})))",
            1,
            "CVE-1, mended",
        ),
        ("sys.exit('no such host')", 2, "NOT AUDITED.*\n?.*exit status 2"),
        (f"print(json.dumps(dict(dependencies={SKIPPED})))", 2, "NOT AUDITED"),
        (
            "if service == 'pypi': sys.exit('silent')\n"
            f"print(json.dumps(dict(dependencies={ROW.format(vulns='[]')})))",
            0,
            "no known",
        ),
    ],
)
def test_the_audit_tells_silence_from_safety(
    root: Path, tmp_path: Path, capsys: Any, body: str, status: int, words: str
) -> None:
    audit = tool(root, "audit")
    fake = tmp_path / "pip-audit"
    fake.write_text(f"#!{sys.executable}\n" + SAYS.format(body=body))
    fake.chmod(0o755)
    assert audit.audit(str(fake)) == status
    assert re.search(words, capsys.readouterr().out)
