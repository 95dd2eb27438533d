"""The rooms of the package in the order of their imports; `python -m tests.rooms` draws and lists them anew.

Written once here: tests/test_setup.py checks the imports against it, docs/architecture.svg is drawn from it, and the
table at the end of docs/architecture.md holds the first line of each room's docstring.
"""

import ast
import textwrap
from html import escape
from pathlib import Path

from infomerge.files import replaced

ROOT = Path(__file__).parent.parent
DRAWING = ROOT / "docs" / "architecture.svg"
PAGE = ROOT / "docs" / "architecture.md"
HEADING = "## The rooms\n"

LAYERS = {
    "Ground": {
        "deprecation": "old names, for one release",
        "extras": "the extra that is missing",
        "files": "a file is whole or not there",
        "resources": "what ships beside the code",
        "config": "every option, Table 7",
        "numerics": "cosine, orders, group sums",
    },
    "Sections of the paper": {
        "segmentation": "3.1 where the clip is cut",
        "redundancy": "3.2 what stands still, TFD",
        "budget": "3.3 tokens per segment, CABA",
        "selection": "3.4 salient tokens, ATS",
        "density": "3.4 density peaks",
        "merging": "3.4 context tokens, DTM",
    },
    "Beside the paper": {
        "farthest": "farthest points in content and time, in place of density peaks",
    },
    "One pipeline": {
        "steps": "plainly, or with a memory",
        "compression": "kept tokens, owners, trace",
        "inputs": "tensors, checked once",
        "pipeline": "the sections in order",
        "fast": "float32, GPU kernels",
        "methods": "+ one file per method",
    },
    "Clips": {
        "video": "files, samples, scenes, noise",
        "encoders": "frames to tokens, saliency",
        "encoded_clip": "a clip with its tokens",
    },
    "Used and measured": {
        "measure": "FLOPs, fidelity, sweeps",
        "models": "+ Video-LLMs, one file per family",
        "testbed": "a small model that answers",
        "report": "compression.json",
    },
    "Drawn": {
        "palette": "one color per role",
        "formulas": "LaTeX as MathML",
        "plots": "figures of arrays",
        "paper": "+ tables; one function per figure",
        "results": "old name of paper",
        "figures": "old name of paper",
    },
    "For users": {
        "widgets": "explorer and lens",
        "page": "one HTML file, the method inside",
        "course": "exercises that answer, units from one source",
        "cli": "+ one file per command",
    },
}
"""Layers from the ground up; in each, its rooms from left to right with what they hold, "+" where others add to it."""

ROOMS = [room for layer in LAYERS.values() for room in layer]
"""All rooms. One may import those before it, and none after it."""

_WIDTH, _SIDE, _GAP, _ROW, _BOX = 780, 92, 8, 94, 82
_INK, _QUIET, _RULE, _FILL, _ADD = "#1b2733", "#4d5b69", "#b8c4cf", "#f5f8fa", "#fdf1dc"


def drawing() -> str:
    """The layers as an SVG, the ground at the bottom."""
    height = _ROW * len(LAYERS) + 44
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img" '
        'font-family="system-ui, -apple-system, Segoe UI, Helvetica, Arial, sans-serif">',
        "<title>The rooms of infomerge: each imports only from rows below it and from rooms to its left</title>",
        f'<rect width="{_WIDTH}" height="{height}" fill="white"/>',
    ]
    for row, (title, rooms) in enumerate(reversed(LAYERS.items())):
        top = 10 + row * _ROW
        parts += _lines(title, 4, top + _BOX / 2, 11, 13, _QUIET, "bold")
        width = (_WIDTH - _SIDE - 4 - _GAP * (len(rooms) - 1)) / len(rooms)
        for place, (room, holds) in enumerate(rooms.items()):
            parts += _box(room, holds, _SIDE + place * (width + _GAP), top, width)
    parts += _lines(
        "Imports go down, and to the left within a row. Colored: a new one is one file or function.",
        _SIDE,
        height - 20,
        100,
        13,
        _QUIET,
    )
    return "\n".join([*parts, "</svg>", ""])


def _box(room: str, holds: str, left: float, top: float, width: float) -> list[str]:
    fill = _ADD if holds.startswith("+") else _FILL
    return [
        f'<rect x="{left:.1f}" y="{top}" width="{width:.1f}" height="{_BOX}" rx="6" fill="{fill}" stroke="{_RULE}"/>',
        f'<text x="{left + 10:.1f}" y="{top + 24}" font-size="12.5" font-weight="bold" fill="{_INK}" '
        f'font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, monospace">{escape(room)}</text>',
        *_lines(holds.removeprefix("+ "), left + 10, top + 54, int((width - 18) / 6.5), 12.5, _QUIET),
    ]


def _lines(text: str, left: float, middle: float, wide: int, size: float, color: str, weight: str = "") -> list[str]:
    """Lines of text, their middle at this height."""
    lines = textwrap.wrap(text, wide)
    first = middle - 0.62 * size * (len(lines) - 1) + 0.35 * size
    bold = f' font-weight="{weight}"' if weight else ""
    return [
        f'<text x="{left:.1f}" y="{first + 1.24 * size * n:.1f}" font-size="{size}" fill="{color}"{bold}>'
        f"{escape(line)}</text>"
        for n, line in enumerate(lines)
    ]


def table() -> str:
    """The rooms in Markdown, each with the first line of its docstring."""
    rows = ["| Room | What it holds |", "|---|---|", *(f"| `{room}` | {summary(room)} |" for room in ROOMS)]
    return "\n".join([*rows, ""])


def summary(room: str) -> str:
    """The first line of a room's docstring."""
    path = ROOT / "infomerge" / room
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    return (ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or "").partition("\n")[0]


if __name__ == "__main__":
    before, _, _ = PAGE.read_text(encoding="utf-8").partition(HEADING)
    for path, content in ((DRAWING, drawing()), (PAGE, f"{before}{HEADING}\n{table()}")):
        with replaced(path) as temporary:
            temporary.write_text(content, encoding="utf-8")
