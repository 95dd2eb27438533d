"""The views' JavaScript: `python -m tests.node` checks its types (TypeScript) and runs its unit tests (Node).

Both are tools of development; the views need neither. Where Node is missing it is installed if that is possible, and
TypeScript from the lock file; what cannot be had is skipped, and one line says so.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
WIDGETS = ROOT / "infomerge" / "widgets"
TESTS = sorted((ROOT / "tests" / "javascript").glob("*.test.mjs"))
OLDEST = (18, 20)
"""The first Node that reads JSON files as modules in today's way of writing it."""


def node_version() -> tuple[int, ...] | None:
    """Of the Node on the PATH; None where there is none that works."""
    if shutil.which("node") is None:
        return None
    told = subprocess.run(["node", "--version"], capture_output=True, text=True, check=False).stdout
    found = re.match(r"v(\d+)\.(\d+)", told)
    return tuple(map(int, found.groups())) if found else None


def install(*packages: str) -> None:
    """Try to get packages of the system, as root where that is how they come."""
    if shutil.which("apt-get") and os.geteuid() == 0:
        names = " ".join(packages)
        command = f"apt-get update -qq && apt-get install -y -qq --no-install-recommends {names}"
        run_quietly(["sh", "-c", command], seconds=300)


def run_quietly(command: list[str], seconds: int) -> bool:
    try:
        return subprocess.run(command, capture_output=True, timeout=seconds, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def has_compiler() -> bool:
    """Whether TypeScript is there as the lock file has it, after trying to install it."""
    lock, installed = WIDGETS / "package-lock.json", WIDGETS / "node_modules" / ".package-lock.json"
    if installed.exists() and installed.stat().st_mtime >= lock.stat().st_mtime:
        return True
    if shutil.which("npm") is None:
        install("npm")
    command = ["npm", "ci", "--no-audit", "--no-fund", "--prefix", str(WIDGETS)]
    return shutil.which("npm") is not None and run_quietly(command, seconds=180)


def main() -> int:
    if (node_version() or (0,)) < OLDEST:
        install("nodejs")
    version = node_version()
    wanted = ".".join(map(str, OLDEST))
    if version is None or version < OLDEST:
        found = "none" if version is None else ".".join(map(str, version))
        print(f"JavaScript not checked: found {found} of Node, {wanted} or newer is needed and could not be installed")
        return 0
    if has_compiler():
        checked = subprocess.run(
            [str(WIDGETS / "node_modules" / ".bin" / "tsc"), "--project", str(WIDGETS)], check=False
        )
        if checked.returncode:
            return checked.returncode
        print("JavaScript: types are right")
    else:
        print("JavaScript's types not checked: TypeScript is missing, and npm could not install it")
    command = ["node", "--test", "--test-reporter", "dot", *map(str, TESTS)]
    environment = os.environ | {"NODE_NO_WARNINGS": "1"}
    tested = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    print(tested.stdout if tested.returncode else f"JavaScript: {tested.stdout.count('.')} unit tests passed")
    return tested.returncode


if __name__ == "__main__":
    sys.exit(main())
