"""Ask whether a vulnerability of a locked package is known: `make audit`.

    python requirements/audit.py PIP-AUDIT

Exit status: 0 none is known; 1 some are; 2 the database could not be asked, for some or for all.
The PyPI database is asked, and for what it does not tell, OSV.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

LOCKS = ("test.lock", "torch-cuda.lock")


def ask(tool: str, lock: Path, service: str) -> tuple[list[dict[str, Any]], str]:
    """What a database says of each package of a lock; and why it said nothing."""
    asked = subprocess.run(
        [
            *(tool, "--requirement", str(lock), "--require-hashes", "--disable-pip"),
            *("--vulnerability-service", service, "--format", "json", "--progress-spinner", "off"),
            *("--timeout", "20"),
        ],
        capture_output=True,
        text=True,
    )
    try:
        return json.loads(asked.stdout)["dependencies"], ""
    except (ValueError, KeyError):
        lines = asked.stderr.strip().splitlines() or [f"exit status {asked.returncode}"]
        return [], lines[-1][:300]


def audit(tool: str) -> int:
    """Ask of every lock; print what was found."""
    found, silent, failed = 0, 0, []
    for lock in (Path(__file__).with_name(name) for name in LOCKS):
        told: dict[str, dict[str, Any]] = {}
        for service in ("pypi", "osv"):
            rows, why = ask(tool, lock, service)
            failed += [f"{service}: {why}"] if why else []
            told |= {row["name"]: row for row in rows if "skip_reason" not in row}
            unknown = [row["name"] for row in rows if row["name"] not in told]
            if rows and not unknown:
                break
        every = sum("==" in line for line in lock.read_text(encoding="utf-8").splitlines())
        silent += every - len(told)
        for row in told.values():
            for fault in row["vulns"]:
                found += 1
                fixed = ", ".join(fault.get("fix_versions", [])) or "no version yet"
                print(f"{row['name']} {row['version']}: {fault['id']}, mended in {fixed}")
        print(f"{lock.name}: {len(told)} of {every} packages were looked up")
    if found:
        print(f"{found} known vulnerabilities: raise the versions in constraints.txt, `make lock`")
        return 1
    if silent:
        for line in dict.fromkeys(failed):
            print(line)
        print(
            f"NOT AUDITED: the database could not be asked about {silent} packages (exit status 2)"
        )
        return 2
    print("no known vulnerabilities")
    return 0


if __name__ == "__main__":
    sys.exit(audit(*sys.argv[1:]))
