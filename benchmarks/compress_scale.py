"""Time and memory of `compress` from 32 to 1024 frames: `python -m benchmarks.compress_scale`.

Segments of four frames, 196 tokens each. On a GPU bf16 tokens of 3584 channels; on a CPU float32 ones of 896, every
length in a process of its own. The last columns are what time and memory are by the frame, over those of 32 frames: 1
is linear.
"""

import argparse
import ast
import subprocess
import sys
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.table import Table

from benchmarks.clips import scenes
from benchmarks.tables import write_rows
from infomerge.measure.timing import peak_memory, time_runs
from infomerge.methods import make_compressor

FRAMES = (32, 64, 128, 256, 512, 1024)


def measure(frames: int, channels: int, precision: str, device: torch.device) -> dict[str, Any]:
    """One row."""
    on_gpu = device.type == "cuda"
    dtype = torch.bfloat16 if on_gpu else torch.float32
    compressor = make_compressor(retention_ratio=0.1, precision=precision)
    compressor(scenes((4,) * 8, 196, channels, dtype=dtype, device=device))  # what is loaded once is no part of it
    tokens = scenes((4,) * (frames // 4), 196, channels, dtype=dtype, device=device)
    if on_gpu:
        seconds = time_runs(lambda: compressor(tokens), 5, 1, device).median
    else:
        seconds = time_runs(lambda: compressor(tokens), 1, 0).median
    peak = peak_memory(lambda: compressor(tokens), device)
    return {
        "device": torch.cuda.get_device_name(device) if on_gpu else "CPU",
        "precision": precision,
        "frames": frames,
        "channels": channels,
        "seconds": round(seconds, 5),
        "peak_gib": round(peak / 2**30, 3),
        "peak_over_tokens": round(peak / tokens.nbytes, 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--frames", type=int, nargs="+", default=FRAMES)
    parser.add_argument("--channels", type=int)
    parser.add_argument("--precision", nargs="+", default=["exact", "fast"])
    parser.add_argument("--out", type=Path)
    parser.add_argument("--row", action="store_true", help="print one row alone, as the processes for each length do")
    arguments = parser.parse_args()
    device = torch.device(arguments.device)
    channels = arguments.channels or (3584 if device.type == "cuda" else 896)
    if arguments.row:
        print(measure(arguments.frames[0], channels, arguments.precision[0], device))
        return

    table = Table("precision", "frames", "seconds", "peak (GiB)", "peak / tokens", "time / linear", "memory / linear")
    found = []
    for precision in arguments.precision:
        first: dict[str, Any] = {}
        for frames in arguments.frames:
            row = (
                measure(frames, channels, precision, device)
                if device.type == "cuda"
                else _in_a_process(frames, channels, precision)
            )
            first = first or row
            share = frames / first["frames"]
            row["time_over_linear"] = round(row["seconds"] / first["seconds"] / share, 2)
            row["memory_over_linear"] = round(row["peak_gib"] / max(first["peak_gib"], 1e-9) / share, 2)
            found.append(row)
            table.add_row(precision, *(str(row[name]) for name in list(row) if name in row_columns()))
    Console(width=120).print(f"{found[0]['device']}, {channels} channels", table)
    if arguments.out:
        write_rows(arguments.out, found)


def row_columns() -> tuple[str, ...]:
    """The columns that are printed."""
    return ("frames", "seconds", "peak_gib", "peak_over_tokens", "time_over_linear", "memory_over_linear")


def _in_a_process(frames: int, channels: int, precision: str) -> dict[str, Any]:
    options = ["--row", "--device", "cpu", "--frames", frames, "--channels", channels, "--precision", precision]
    command = [sys.executable, "-m", "benchmarks.compress_scale", *map(str, options)]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    row: dict[str, Any] = ast.literal_eval(printed.strip().splitlines()[-1])
    return row


if __name__ == "__main__":
    main()
