"""What the site offers to take away: the page, the slides, notebooks, figures and tables, each in one file."""

import io
import zipfile
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).parent.parent
PARTS = {"page": "page/infomerge.html", "slides": "slides.html"}
"""What is built before the site, by its place in it and in the folder of parts."""
_ARCHIVES = {
    "notebooks.zip": (
        "All notebooks and the course, with solutions and sources",
        "notebooks",
        ("*.ipynb", "course/*.*", "course/*/*.*"),
    ),
    "figures.zip": ("All figures as vectors, for papers", "figures", ("*.pdf", "README.md")),
    "results.zip": ("The measured tables, as CSV, with what they were measured by", "data", ("results/*", "README.md")),
}
_EPOCH = (1980, 1, 1, 0, 0, 0)


def downloads(parts: str) -> tuple[str, dict[str, bytes]]:
    """The page of downloads in Markdown, and the files that it leads to, by their place in the site.

    Args:
        parts: folder of `PARTS`; empty where none were built.

    Raises:
        FileNotFoundError: a part is missing.
    """
    rows = []
    files = {}
    if parts:
        files = {place: (ROOT / parts / place).read_bytes() for place in PARTS.values()}
        rows += [
            (
                "[The explorable page](page/infomerge.html)",
                "One HTML file to send to a class: the method runs in it",
                "page",
            ),
            ("[The slides](slides.html)", "Twenty slides with speaker notes, one HTML file", "slides"),
        ]
        rows = [(link, words, _size(files[PARTS[part]])) for link, words, part in rows]
    for name, (words, folder, patterns) in _ARCHIVES.items():
        files[name] = _archive(path for pattern in patterns for path in sorted((ROOT / folder).glob(pattern)))
        rows.append((f"[{name}]({name})", words, _size(files[name])))
    table = "\n".join(f"| {link} | {words} | {size} |" for link, words, size in rows)
    head = "# Downloads\n\nEach of these is one file that needs no network.\n\n| File | What it is | Size |"
    return f"{head}\n|---|---|---|\n{table}\n\nThe package itself: [Installing](docs/installing.md).\n", files


def _archive(paths: Iterable[Path]) -> bytes:
    """A ZIP of files of the repository, the same bytes for the same files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in paths:
            archive.writestr(
                zipfile.ZipInfo(str(path.relative_to(ROOT)), _EPOCH), path.read_bytes(), zipfile.ZIP_DEFLATED
            )
    return buffer.getvalue()


def _size(content: bytes) -> str:
    return f"{len(content) / 1e6:.1f} MB"
