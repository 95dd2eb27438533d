"""What a page asks of BudgetExplorer: one function each."""

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from infomerge.video import sample_names
from infomerge.widgets import exports
from infomerge.widgets.asked import EXPECTED
from infomerge.widgets.controls import GROUPS
from infomerge.widgets.presets import PRESETS

if TYPE_CHECKING:
    from infomerge.widgets.budget_explorer import BudgetExplorer

MOST_BYTES = 10_000_000
"""A server closes the connection to a page that sends more than 10 MiB at once, and the file is lost without a word."""


def setup() -> dict[str, Any]:
    """What the page builds its controls of."""
    return {
        "groups": [
            {"name": name, "controls": [control.to_dict() for control in controls]} for name, controls in GROUPS.items()
        ],
        "samples": sample_names(),
        "presets": list(PRESETS),
        "exports": {name: kind.label for name, kind in exports.KINDS.items()},
        "most_bytes": MOST_BYTES,
    }


def _turn(explorer: "BudgetExplorer", content: Mapping[str, Any], buffers: list[memoryview]) -> None:
    explorer.set(**{content["option"]: content["value"]})


def _preset(explorer: "BudgetExplorer", content: Mapping[str, Any], buffers: list[memoryview]) -> None:
    explorer.preset(content["name"])


def _pin(explorer: "BudgetExplorer", content: Mapping[str, Any], buffers: list[memoryview]) -> None:
    explorer.pin()


def _unpin(explorer: "BudgetExplorer", content: Mapping[str, Any], buffers: list[memoryview]) -> None:
    explorer.unpin()


def _tokens(explorer: "BudgetExplorer", content: Mapping[str, Any], buffers: list[memoryview]) -> None:
    explorer._choose_tokens()


def _load(explorer: "BudgetExplorer", content: Mapping[str, Any], buffers: list[memoryview]) -> None:
    explorer.load(content["source"].strip())


def _frames(explorer: "BudgetExplorer", content: Mapping[str, Any], buffers: list[memoryview]) -> None:
    explorer.read_again(content["count"])


def _upload(explorer: "BudgetExplorer", content: Mapping[str, Any], buffers: list[memoryview]) -> None:
    name = plain_name(str(content["name"]))
    # The page has looked too, but a page may be anyone's.
    if len(buffers[0]) > MOST_BYTES:
        _too_large(explorer, {"name": name, "size": len(buffers[0])}, [])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(bytes(buffers[0]))
        try:
            explorer.load(path)
        except EXPECTED as error:
            # The reader knows the file by its name, not by where the server has put it for a moment.
            raise ValueError(str(error).replace(str(path), name)) from error
    explorer._file = None  # the file was there for a moment
    explorer._show_clip()


def plain_name(name: str) -> str:
    """A file's name that stands for a file in any folder: without a folder of its own, not empty and not too long."""
    plain = "".join(letter for letter in name.replace("\\", "/").rpartition("/")[2] if letter.isprintable())
    if not plain.strip(". "):
        return "upload"
    stem, dot, ending = plain.rpartition(".")
    return f"{stem[:40]}{dot}{ending[:10]}" if len(plain.encode(errors="replace")) > 200 else plain


def _own(explorer: "BudgetExplorer", content: Mapping[str, Any], buffers: list[memoryview]) -> None:
    ways = f"give its path under “or file”, or upload one of up to {MOST_BYTES / 1e6:g} MB"
    explorer._say(f"For a clip of your own, {ways}. Still showing {explorer.encoded.name}.")


def _too_large(explorer: "BudgetExplorer", content: Mapping[str, Any], buffers: list[memoryview]) -> None:
    found = f"Upload: got {content['name']}, of {content['size'] / 1e6:,.1f} MB; expected up to {MOST_BYTES / 1e6:g} MB"
    raise ValueError(f"{found}. Give the path of a larger file under “or file”")


def _download(explorer: "BudgetExplorer", content: Mapping[str, Any], buffers: list[memoryview]) -> None:
    name, data = exports.file(explorer, content["kind"])
    explorer.send({"file": name, "view": content["view"]}, buffers=[data])


def _save(explorer: "BudgetExplorer", content: Mapping[str, Any], buffers: list[memoryview]) -> None:
    try:
        written = exports.export(content["folder"].strip() or ".", explorer, content["kind"])
    except OSError as error:
        raise ValueError(f"Nothing was written: {error}") from error
    explorer._say(f"Written: {written}")


Ask = Callable[["BudgetExplorer", Mapping[str, Any], list[memoryview]], None]
ASKS: Mapping[str, Ask] = {
    "turn": _turn,
    "preset": _preset,
    "pin": _pin,
    "unpin": _unpin,
    "tokens": _tokens,
    "load": _load,
    "frames": _frames,
    "upload": _upload,
    "own": _own,
    "too_large": _too_large,
    "download": _download,
    "save": _save,
}

ABOUT_CLIPS = ("load", "upload", "too_large", "frames")
"""Asks for a clip: where one fails, the clip before it stays."""
