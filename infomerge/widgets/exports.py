"""What the explorer writes to disk: under names that are not taken, each file whole or not at all."""

import json
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from infomerge.compression import Compression
from infomerge.config import InfoMergeConfig
from infomerge.encoded_clip import EncodedClip
from infomerge.files import replaced
from infomerge.plots import budget_chart, save


def described(config: InfoMergeConfig) -> str:
    """What differs from the defaults, for people."""
    changes = {"retention_ratio": config.retention_ratio, **config.changes()}
    return ", ".join(
        f"{name.replace('_', ' ')} {value:g}"
        if isinstance(value, (int, float))
        else f"{name.replace('_', ' ')} {value}"
        for name, value in changes.items()
    )


def export_chart(
    folder: str | os.PathLike[str], clip: EncodedClip, out: Compression, pinned: Compression | None
) -> list[Path]:
    """Write the budget chart, A beside B where one is pinned, as PDF and PNG."""
    frames = clip.frames
    if frames is None:
        frames = np.full((len(clip.tokens), 9, 16, 3), 235, dtype=np.uint8)
    configs = [each.config for each in (out, pinned) if each is not None and each.config is not None]
    lines = [described(config) for config in configs]
    title = f"{clip.name}: {lines[0]}" if pinned is None else f"{clip.name}\nB: {lines[0]}\nA: {lines[1]}"
    chart = budget_chart(clip, out, frames=frames, title=title, pinned=pinned)
    return save(chart, _free_stem(_in_place(folder), f"budget-{clip.name}", (".pdf", ".png")))


def export_config(folder: str | os.PathLike[str], name: str, config: InfoMergeConfig) -> Path:
    """Write a configuration as JSON, named after the clip that it was chosen for."""
    stem = _free_stem(_in_place(folder), f"config-{name}", (".json",))
    target = stem.with_name(stem.name + ".json")
    target.parent.mkdir(parents=True, exist_ok=True)
    with replaced(target) as temporary:
        temporary.write_text(json.dumps(config.to_dict(), indent=2) + "\n", encoding="utf-8")
    return target


def _in_place(folder: str | os.PathLike[str]) -> Path:
    """The folder, with a home in the place of a tilde. Raises ValueError where nobody has that home."""
    try:
        return Path(folder).expanduser()
    except RuntimeError:
        raise ValueError(f"folder: got {os.fspath(folder)!r}, a home that nobody has; expected a folder") from None


def _free_stem(folder: Path, name: str, endings: Sequence[str]) -> Path:
    """A path without ending for which no file exists: the name itself, or with the first free number."""
    safe = "".join(letter if letter.isalnum() or letter in "-_." else "-" for letter in name)
    number = 1
    while any((folder / f"{safe}{'' if number == 1 else f'-{number}'}{ending}").exists() for ending in endings):
        number += 1
    return folder / (safe if number == 1 else f"{safe}-{number}")
