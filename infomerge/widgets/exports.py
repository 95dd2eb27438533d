"""What the explorer hands on: files by kind, for a page to download or written under names that are not taken."""

import base64
import csv
import io
import json
import os
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure

from infomerge.config import InfoMergeConfig
from infomerge.files import replaced
from infomerge.plots import budget_chart, save
from infomerge.report import segment_records

if TYPE_CHECKING:
    from infomerge.widgets.budget_explorer import BudgetExplorer


def described(config: InfoMergeConfig) -> str:
    """What differs from the defaults, for people."""
    changes = {"retention_ratio": config.retention_ratio, **config.changes()}
    return ", ".join(
        f"{name.replace('_', ' ')} {value:g}"
        if isinstance(value, (int, float))
        else f"{name.replace('_', ' ')} {value}"
        for name, value in changes.items()
    )


def python_of(explorer: "BudgetExplorer", source: str | None) -> str:
    """The line of Python that makes an explorer like this one; `tokens`, `clip`, `encoder` are what its owner has."""
    clip, parts = explorer.encoded, []
    if source is not None:
        parts.append(repr(source))
        if len(clip.tokens) != 32:
            parts.append(f"num_frames={len(clip.tokens)}")
        if explorer._encoder is not None:
            parts.append("encoder=encoder")
    elif clip.source is not None or clip.encoder:
        parts.append("clip")  # an EncodedClip that only its owner can make
    else:
        rows, columns = clip.grid
        parts += ["tokens", *(f"{name}={name}" for name in explorer._given), f"name={clip.name!r}"]
        if rows != columns:
            parts.append(f"grid=({rows}, {columns})")
        if clip.timestamps is not None:
            parts.append("timestamps=timestamps")
    parts.append(f"config={explorer.python_line}")
    if explorer.explored.pinned is not None:
        parts.append(f"pinned={explorer.explored.pinned.to_python()}")
    parts.append(f"segment={explorer.segment}")
    return f"BudgetExplorer({', '.join(parts)})"


def chart(explorer: "BudgetExplorer") -> Figure:
    """The budget chart for print, A beside B where one is pinned."""
    clip, out = explorer.encoded, explorer.compression()
    pinned = None if explorer.pinned is None else explorer.compression(pinned=True)
    frames = clip.frames
    if frames is None:
        frames = np.full((len(clip.tokens), 9, 16, 3), 235, dtype=np.uint8)
    lines = [described(config) for config in (explorer.config, explorer.pinned) if config is not None]
    title = f"{clip.name}: {lines[0]}" if pinned is None else f"{clip.name}\nB: {lines[0]}\nA: {lines[1]}"
    return budget_chart(clip, out, frames=frames, title=title, pinned=pinned)


def still(explorer: "BudgetExplorer") -> str:
    """The budget chart for where no view lives, as JPEG in base64."""
    written = io.BytesIO()
    chart(explorer).savefig(written, format="jpeg", dpi=120, pil_kwargs={"quality": 80})
    return base64.b64encode(written.getvalue()).decode()


def tables(explorer: "BudgetExplorer") -> dict[str, list[dict[str, Any]]]:
    """The numbers of every panel, by the table's name, as rows; of A too, under names that end in "-A".

    `similarity`: t_l of each frame with the next (eq. 22), and whether it is a cut; `segments`: uniqueness, richness,
    weight and budgets; `prior`: the static prior at every position of every segment; `tokens`: the kept tokens.
    """
    found = _tables(explorer, pinned=False)
    if explorer.pinned is not None:
        found |= {f"{name}-A": rows for name, rows in _tables(explorer, pinned=True).items()}
    return found


def _tables(explorer: "BudgetExplorer", *, pinned: bool) -> dict[str, list[dict[str, Any]]]:
    clip, out = explorer.encoded, explorer.compression(pinned=pinned)
    plan = explorer.explored.pinned_plan if pinned else explorer.plan
    assert plan is not None
    columns = clip.grid[1]
    cuts = {start for start, _ in plan.bounds[1:]}
    scores, static = plan.scores.tolist(), plan.static.tolist()
    return {
        "similarity": [
            {"frame": frame, "next": frame + 1, "similarity": value, "cut": int(frame + 1 in cuts)}
            for frame, value in enumerate(plan.transition.tolist())
        ],
        "segments": segment_records(out, clip.timestamps),
        "prior": [
            {
                "segment": k + 1,
                "row": position // columns,
                "column": position % columns,
                "score": "" if np.isnan(score) else score,
                "static": int(static[k][position]),
            }
            for k, row in enumerate(scores)
            for position, score in enumerate(row)
        ],
        "tokens": [
            {
                "token": number,
                "frame": frame,
                "row": position // columns,
                "column": position % columns,
                "kind": "context" if context else "salient",
                "stands_for": size,
            }
            for number, (frame, position, context, size) in enumerate(
                zip(
                    out.frame.tolist(),
                    out.position.tolist(),
                    out.is_context.tolist(),
                    out.assignment.bincount(minlength=out.kept).tolist(),
                    strict=True,
                )
            )
        ],
    }


def _tables_zip(explorer: "BudgetExplorer") -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, rows in tables(explorer).items():
            # A date of its own would make equal tables differ.
            archive.writestr(zipfile.ZipInfo(f"{name}.csv", (1980, 1, 1, 0, 0, 0)), _csv(rows))
    return written.getvalue()


def _csv(rows: Sequence[Mapping[str, Any]]) -> str:
    text = io.StringIO()
    if rows:
        writer = csv.DictWriter(text, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return text.getvalue()


def _drawn(format: str) -> Callable[["BudgetExplorer"], bytes]:
    def draw(explorer: "BudgetExplorer") -> bytes:
        written = io.BytesIO()
        metadata = {"pdf": {"CreationDate": None}, "svg": {"Date": None}, "png": {"Software": None}}[format]
        chart(explorer).savefig(written, format=format, metadata=metadata)
        return written.getvalue()

    return draw


def _json(value: Any) -> bytes:
    return (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode()


@dataclass(frozen=True)
class Kind:
    """A kind of file."""

    label: str
    stem: str
    ending: str
    make: Callable[["BudgetExplorer"], bytes]


KINDS: Mapping[str, Kind] = {
    "pdf": Kind("Chart (PDF)", "budget", ".pdf", _drawn("pdf")),
    "png": Kind("Chart (PNG)", "budget", ".png", _drawn("png")),
    "svg": Kind("Chart (SVG)", "budget", ".svg", _drawn("svg")),
    "plotly": Kind(
        "Chart (plotly, HTML)",
        "budget",
        ".html",
        lambda explorer: explorer.to_plotly().to_html(include_plotlyjs=True).encode(),
    ),
    "page": Kind("This view (HTML)", "explorer", ".html", lambda explorer: explorer.to_html().encode()),
    "tables": Kind("Numbers (CSV)", "tables", ".zip", _tables_zip),
    "config": Kind("Config (JSON)", "config", ".json", lambda explorer: _json(explorer.config.to_dict())),
    "state": Kind("State (JSON)", "state", ".json", lambda explorer: _json(explorer.state)),
}
"""By the name that a page asks for."""


def file(explorer: "BudgetExplorer", kind: str) -> tuple[str, bytes]:
    """The name and the content of a file of a kind."""
    wanted = KINDS[kind]
    return f"{wanted.stem}-{_safe(explorer.encoded.name)}{wanted.ending}", wanted.make(explorer)


def export(folder: str | os.PathLike[str], explorer: "BudgetExplorer", kind: str) -> Path:
    """Write a file of a kind into a folder, under a name that is not taken, whole or not at all."""
    wanted = KINDS[kind]
    stem = _free_stem(_in_place(folder), f"{wanted.stem}-{explorer.encoded.name}", (wanted.ending,))
    target = stem.with_name(stem.name + wanted.ending)
    content = wanted.make(explorer)
    target.parent.mkdir(parents=True, exist_ok=True)
    with replaced(target) as temporary:
        temporary.write_bytes(content)
    return target


def export_chart(folder: str | os.PathLike[str], explorer: "BudgetExplorer") -> list[Path]:
    """Write the budget chart as PDF and PNG, under one name that is not taken."""
    stem = _free_stem(_in_place(folder), f"budget-{explorer.encoded.name}", (".pdf", ".png"))
    return save(chart(explorer), stem)


def _in_place(folder: str | os.PathLike[str]) -> Path:
    """The folder, with a home in the place of a tilde. Raises ValueError where nobody has that home."""
    try:
        return Path(folder).expanduser()
    except RuntimeError:
        raise ValueError(f"folder: got {os.fspath(folder)!r}, a home that nobody has; expected a folder") from None


def _free_stem(folder: Path, name: str, endings: Sequence[str]) -> Path:
    """A path without ending for which no file exists: the name itself, or with the first free number."""
    safe, number = _safe(name), 1
    while any((folder / f"{safe}{'' if number == 1 else f'-{number}'}{ending}").exists() for ending in endings):
        number += 1
    return folder / (safe if number == 1 else f"{safe}-{number}")


def _safe(name: str) -> str:
    return "".join(letter if letter.isalnum() or letter in "-_." else "-" for letter in name)
