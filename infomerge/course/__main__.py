"""`python -m infomerge.course build`: the notebooks of the course, written from their sources."""

import argparse

from infomerge.course.building import write_units
from infomerge.resources import folder


def main() -> None:
    """Read the command and carry it out."""
    parser = argparse.ArgumentParser(prog="python -m infomerge.course", description=__doc__)
    parser.add_argument("command", choices=["build"], help="build: write notebooks/course/*.ipynb from source/*.py")
    parser.parse_args()
    for path in write_units(folder("notebooks") / "course"):
        print(f"Wrote {path.parent.name}/{path.name}")


if __name__ == "__main__":
    main()
