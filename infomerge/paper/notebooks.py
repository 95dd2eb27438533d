"""The notebooks, written to a folder of the reader's own."""

import os
import shutil
from pathlib import Path

from infomerge.files import replaced
from infomerge.resources import folder as resource_folder


def write_notebooks(folder: str | os.PathLike[str], force: bool = False) -> list[Path]:
    """Write all notebooks, executed as they are published, to open and run them there.

    Each is written whole or not at all. Nothing is written if one of them is there already and `force` is False.

    Args:
        folder: where to; it is made if it does not exist.
        force: replace notebooks of the same names.

    Returns:
        The notebooks, in their order.

    Raises:
        FileExistsError: a notebook of the same name is there and `force` is False.
        OSError: the folder cannot be written.
    """
    folder = Path(folder)
    sources = sorted(resource_folder("notebooks").glob("*.ipynb"))
    targets = [folder / source.name for source in sources]
    there = [target.name for target in targets if target.exists()]
    if there and not force:
        raise FileExistsError(
            f"{folder}: got {len(there)} of the notebooks, {there[0]} first; expected a folder without them, or "
            "force=True to replace them"
        )
    folder.mkdir(parents=True, exist_ok=True)
    for source, target in zip(sources, targets, strict=True):
        with replaced(target) as temporary:
            shutil.copyfile(source, temporary)
    return targets
