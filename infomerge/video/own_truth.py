"""What a reader knows about a clip of their own: a small table beside the video, read as its ground truth.

`holiday.truth.csv` beside `holiday.mp4`:

    what,seconds,until
    cut,4.2,
    event,10.0,12.5
"""

import csv
import math
from itertools import pairwise
from pathlib import Path

from infomerge.video.clip import UnreadableClipError
from infomerge.video.truth import Event, GroundTruth, Shot

ENDING = ".truth.csv"
COLUMNS = ("what", "seconds", "until")


def truth_file(video: Path) -> Path:
    """Where the truth about a video would lie."""
    return video.with_name(f"{video.stem}{ENDING}")


def read_truth(path: Path, duration: float) -> GroundTruth:
    """Cuts and events from a table of the columns `what,seconds,until`.

    Args:
        path: the CSV file; `what` is "cut", with nothing under `until`, or "event", from `seconds` until `until`.
        duration: of the clip, in seconds.

    Raises:
        UnreadableClipError: (a ValueError) a line is something else; the message names it.
        OSError: the file cannot be read.
    """
    cuts: set[float] = set()
    events: list[Event] = []
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            header, *lines = [*csv.reader(file)] or [[]]
    except (UnicodeDecodeError, csv.Error) as error:
        raise UnreadableClipError(f"source: got {path.name}, which is no table ({error})") from error
    if tuple(cell.strip() for cell in header) != COLUMNS:
        raise UnreadableClipError(
            f"source: got the columns {','.join(header)} in {path.name}; expected {','.join(COLUMNS)}"
        )
    for number, line in enumerate(lines, 2):
        if not any(cell.strip() for cell in line):
            continue
        what, seconds, until = ([cell.strip() for cell in line] + [""] * 3)[:3]
        start = _seconds(seconds, number, path)
        if what == "cut" and not until:
            cuts.add(start)
        elif what == "event" and (end := _seconds(until, number, path)) > start:
            events.append(Event(start, end))
        else:
            accepted = "cut,SECONDS, or event,SECONDS,UNTIL with UNTIL after SECONDS"
            raise UnreadableClipError(
                f"source: got {','.join(line)!r} in line {number} of {path.name}; expected {accepted}"
            )
    times = sorted(cuts)
    bounds = [0.0, *(time for time in times if 0 < time < duration), duration]
    shots = tuple(
        Shot(f"shot {number}", "motion", start, end) for number, (start, end) in enumerate(pairwise(bounds), 1)
    )
    # Which frames of the source they are is not known, and nothing asks for it in a clip of the reader's.
    return GroundTruth((), tuple(times), shots, events=tuple(sorted(events)))


def _seconds(text: str, line: int, path: Path) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value >= 0):
        raise UnreadableClipError(f"source: got {text!r} in line {line} of {path.name}; expected seconds from 0")
    return value
