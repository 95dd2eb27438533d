"""The tests of models on other releases of transformers: `python -m tests.other_transformers 5.21.0 5.24.0`.

Each release is installed without its dependencies into a folder of its own under .venv (or in the folder that the
variable TRANSFORMERS_RELEASES names), and put before the one that is there. At the end a table says how many tests of
each class passed with each release.
"""

import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).parent.parent
FOLDER = Path(os.environ.get("TRANSFORMERS_RELEASES", ROOT / ".venv" / "transformers"))
TESTS = ["tests/models"]
# Other classes than those of one family's tests, such as the registry's.
OTHERS = "others"


def installed(release: str) -> Path | None:
    """The folder of a release, which is fetched if it is not there; None where that fails."""
    target = FOLDER / release
    if not (target / "transformers").is_dir():
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
        run = subprocess.run(
            [*command, "--target", target, f"transformers=={release}"], capture_output=True, text=True, check=False
        )
        if run.returncode:
            reason = (run.stderr.strip().splitlines() or ["pip said nothing"])[-1]
            print(f"transformers {release}: cannot be installed ({reason}). It is fetched once, with a connection.")
            return None
    return target


def outcomes(release: str, target: Path, arguments: list[str]) -> Counter[tuple[str, bool]]:
    """How many tests of each class passed (True) and failed (False)."""
    report = FOLDER / f"{release}.xml"
    path = os.pathsep.join([str(target), str(ROOT)])
    command = [
        sys.executable,
        "-m",
        "pytest",
        *TESTS,
        "-q",
        "--junit-xml",
        report,
        "-p",
        "no:cacheprovider",
        *arguments,
    ]
    subprocess.run(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": path}, check=False)
    counts: Counter[tuple[str, bool]] = Counter()
    for case in ElementTree.parse(report).iter("testcase"):
        if case.find("skipped") is None:
            passed = case.find("failure") is None and case.find("error") is None
            counts[_class_of(str(case.get("name"))), passed] += 1
    return counts


def _class_of(test: str) -> str:
    from tests.tiny_models import KINDS

    parts = re.split(r"[\[\]-]", test.replace("ForConditionalGeneration", ""))
    return next((part for part in parts if part in KINDS), OTHERS)


def main(arguments: list[str]) -> int:
    from tests.tiny_models import KINDS

    releases = [argument for argument in arguments if re.match(r"\d", argument)]
    others = [argument for argument in arguments if argument not in releases]
    table = {}
    for release in releases:
        target = installed(release)
        if target is not None:
            table[release] = outcomes(release, target, others)
    print("\n" + " ".join([f"{'transformers':16}", *(f"{release:>12}" for release in table)]))
    for name in [*KINDS, OTHERS]:
        cells = [f"{counts[name, True]} of {counts[name, True] + counts[name, False]}" for counts in table.values()]
        print(" ".join([f"{name:16}", *(f"{cell:>12}" for cell in cells)]))
    failed = any(counts[name, False] for counts in table.values() for name, _ in counts)
    return int(failed or len(table) < len(releases))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
