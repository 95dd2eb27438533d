"""How long `compress` takes, exact and fast, beside FastVID's steps: `python -m benchmarks.compress_speed`.

Other methods stand beside InfoMerge in the same run: `--methods infomerge farthest` is the default.

32 frames of 196 tokens, at the paper's three ratios, in clips of even segments, of a tour's and with one long shot. On
a GPU bf16 tokens of 3584 channels, by events; on a CPU float32 ones of 320, by the process's CPU time, so that other
processes do not disturb it. Medians with the 10th and the 90th percentile. Where fast runs by kernels it is timed as it
is called and as a replayed CUDA graph, and a call is made to fail if it waits for the GPU.

--stages prints which steps the time goes to; --out appends the rows to a CSV file.
"""

import argparse
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor

from benchmarks.clips import SCENES, scenes
from benchmarks.fastvid_steps import fastvid_steps
from benchmarks.tables import write_rows
from infomerge import fast
from infomerge.inputs import clip_tensors
from infomerge.measure.timing import Timing, peak_memory, stage_seconds, time_runs
from infomerge.methods import METHODS, Compressor, make_compressor

POSITIONS = 196
RATIOS = (0.05, 0.10, 0.15)
TARGET = Path(__file__).parent.parent / "data" / "results" / "compress_speed.csv"


def ways(tokens: Tensor, ratio: float, methods: Sequence[str]) -> Iterator[tuple[str, Callable[[], object]]]:
    """What is timed on a clip, by name; InfoMerge's ways go without its name."""
    saliency, features = tokens.float().norm(dim=-1), tokens.mean(dim=1)
    for method in methods:
        called = "" if method == "infomerge" else f"{method}, "
        exact, quick = (make_compressor(method, retention_ratio=ratio, precision=p) for p in ("exact", "fast"))
        yield f"{called}exact", partial(exact, tokens)
        trace = quick(tokens).trace
        if trace.precision == "fast":
            yield f"{called}fast", partial(quick, tokens)
        if trace.arithmetic == "GPU kernels":
            never_waits(quick, tokens)
            yield f"{called}fast, graph", partial(_as_graph, quick, tokens)
    yield "FastVID's steps", lambda: fastvid_steps(tokens, saliency, features, ratio)


def _as_graph(compressor: Compressor, tokens: Tensor) -> object:
    fast.use_graphs = True
    try:
        return compressor(tokens)
    finally:
        fast.use_graphs = False


def never_waits(compressor: Compressor, tokens: Tensor) -> None:
    """Raise where a call waits for the GPU."""
    torch.cuda.set_sync_debug_mode("error")
    try:
        compressor(tokens)
    finally:
        torch.cuda.set_sync_debug_mode("default")


def rows(device: torch.device, channels: int, repeats: int, methods: Sequence[str]) -> Iterator[dict[str, Any]]:
    """The table, a row for every clip, ratio and way."""
    on_gpu = device.type == "cuda"
    for clip, lengths in SCENES.items():
        tokens = scenes(lengths, POSITIONS, channels, dtype=torch.bfloat16 if on_gpu else torch.float32, device=device)
        for ratio in RATIOS:
            for way, run in ways(tokens, ratio, methods):
                slow = way.endswith("exact") and (on_gpu or channels > 1000)
                timing: Timing = time_runs(run, max(3, repeats // 10) if slow else repeats, 2 if slow else 5, device)
                yield {
                    "device": torch.cuda.get_device_name(device) if on_gpu else "CPU",
                    "threads": "" if on_gpu else torch.get_num_threads(),
                    "torch": torch.__version__,
                    "tokens": " x ".join(map(str, tokens.shape)),
                    "dtype": str(tokens.dtype).removeprefix("torch."),
                    "clip": clip,
                    "retention_ratio": ratio,
                    "way": way,
                    "ms": round(1e3 * timing.median, 3),
                    "low_ms": round(1e3 * timing.low, 3),
                    "high_ms": round(1e3 * timing.high, 3),
                    "repeats": len(timing.seconds),
                    "peak_over_tokens": round(peak_memory(run, device) / tokens.nbytes, 2) if on_gpu else "",
                }


def stages(device: torch.device, channels: int) -> Iterator[tuple[str, dict[str, float]]]:
    """Milliseconds of every step of the pipeline, exact and in float32; kernels are not steps."""
    tokens = scenes(SCENES["tour"], POSITIONS, channels, device=device)
    config = make_compressor().config
    assert config is not None
    clip = clip_tensors(tokens)
    for name, in_float32 in (("exact", False), ("float32", True)):
        yield name, {step: 1e3 * seconds for step, seconds in stage_seconds(clip, config, fast=in_float32).items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--channels", type=int, nargs="+", help="3584 on a GPU, 320 on a CPU")
    parser.add_argument("--repeats", type=int, help="50 on a GPU, 5 on a CPU")
    parser.add_argument("--methods", nargs="+", default=["infomerge", "farthest"], choices=list(METHODS))
    parser.add_argument("--stages", action="store_true")
    parser.add_argument("--out", type=Path, help=f"for instance {TARGET.name}")
    arguments = parser.parse_args()
    device = torch.device(arguments.device)
    on_gpu = device.type == "cuda"

    console, found = Console(width=120), []
    table = Table("tokens", "clip", "ratio", "way", "ms (10th-90th percentile)", "peak / tokens")
    for channels in arguments.channels or [3584 if on_gpu else 320]:
        for row in rows(device, channels, arguments.repeats or (50 if on_gpu else 5), arguments.methods):
            found.append(row)
            spread = f"{row['ms']:.2f} ({row['low_ms']:.2f}-{row['high_ms']:.2f})"
            table.add_row(
                row["tokens"],
                row["clip"],
                f"{row['retention_ratio']:.0%}",
                row["way"],
                spread,
                str(row["peak_over_tokens"]),
            )
        if arguments.stages:
            for name, taken in stages(device, channels):
                console.print(name, channels, {step: round(ms, 1) for step, ms in taken.items()})
    console.print(f"torch {torch.__version__}, {found[0]['device']}, {torch.get_num_threads()} threads")
    console.print(table)
    if arguments.out:
        write_rows(arguments.out, found)


if __name__ == "__main__":
    main()
