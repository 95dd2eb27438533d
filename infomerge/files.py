"""Files that are whole or not there: written beside their place, then renamed into it."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replaced(path: str | os.PathLike[str]) -> Iterator[Path]:
    """A temporary path beside `path`, to be written to; it takes the place of `path` when the block has succeeded.

    A reader sees the old file or the new one, never a part of it, and a block that fails leaves the old one as it was.
    The temporary file has the same ending, since some writers choose their format by it.

    Raises:
        OSError: from the file system: the folder does not exist, or cannot be written to.
    """
    target = Path(path)
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.stem}-", suffix=target.suffix)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        # On the disk before it is renamed, so that a crash of the machine cannot leave an empty file in its place.
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        # A temporary file is for its owner's eyes alone; what replaces it has the mode that any new file gets.
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(target.stat().st_mode & 0o777 if target.exists() else 0o666 & ~umask)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
