"""The notebooks and the course, written to a folder of the reader's own."""

import os
import shutil
from pathlib import Path

from infomerge.files import replaced
from infomerge.resources import folder as resource_folder

WRITTEN = ("*.ipynb", "course/*.md", "course/*.ipynb", "course/solutions/*.ipynb", "course/source/*.py")
"""What of the folder `notebooks` a reader gets: all but the page that lists it, whose pictures stay in the checkout."""


def write_notebooks(folder: str | os.PathLike[str], force: bool = False) -> list[Path]:
    """Write all notebooks, executed as they are published, and the course, to open and run them there.

    Each file is written whole or not at all. Nothing is written if one of them is there already and `force` is False.

    Args:
        folder: where to; it is made if it does not exist.
        force: replace files of the same names.

    Returns:
        The files, notebooks first and in their order, then those of the course in its own folder.

    Raises:
        FileExistsError: a file of the same name is there and `force` is False.
        OSError: the folder cannot be written.
    """
    folder, origin = Path(folder), resource_folder("notebooks")
    sources = [source for pattern in WRITTEN for source in sorted(origin.glob(pattern))]
    targets = [folder / source.relative_to(origin) for source in sources]
    there = [target.relative_to(folder) for target in targets if target.exists()]
    if there and not force:
        raise FileExistsError(
            f"{folder}: got {len(there)} of the notebooks, {there[0]} first; expected a folder without them, or "
            "force=True to replace them"
        )
    for source, target in zip(sources, targets, strict=True):
        target.parent.mkdir(parents=True, exist_ok=True)
        with replaced(target) as temporary:
            shutil.copyfile(source, temporary)
    return targets
