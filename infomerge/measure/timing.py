"""How long something takes and how much memory, on a CPU or a GPU: medians with spread, as a whole or by stage."""

import ctypes
import gc
import statistics
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from infomerge import pipeline
from infomerge.config import InfoMergeConfig
from infomerge.fast.float32 import FLOAT32
from infomerge.inputs import ClipTensors
from infomerge.steps import Result, Steps


@dataclass(frozen=True)
class Timing:
    """Durations of several runs, in seconds, sorted."""

    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        """The median."""
        return statistics.median(self.seconds)

    @property
    def low(self) -> float:
        """The 10th percentile: a run that little disturbed."""
        return self._quantile(0.1)

    @property
    def high(self) -> float:
        """The 90th percentile."""
        return self._quantile(0.9)

    def _quantile(self, share: float) -> float:
        place = share * (len(self.seconds) - 1)
        below = self.seconds[int(place)]
        return below + (place % 1) * (self.seconds[min(int(place) + 1, len(self.seconds) - 1)] - below)

    def milliseconds(self) -> str:
        """Median and spread for a table, in ms: "1.06 (1.05-1.10)"."""
        return f"{1e3 * self.median:.3g} ({1e3 * self.low:.3g}-{1e3 * self.high:.3g})"


def time_runs(
    run: Callable[[], object], repeats: int = 50, warm_up: int = 3, device: torch.device | str = "cpu"
) -> Timing:
    """Durations of runs one after the other: by events on a CUDA device, by this process's CPU time elsewhere.

    CPU time counts what all threads of the process used; other processes do not disturb it.

    Raises:
        ValueError: fewer than one run is asked for.
    """
    if repeats < 1:
        raise ValueError(f"repeats: got {repeats}; expected 1 or more")
    for _ in range(warm_up):
        run()
    once = _by_events if torch.device(device).type == "cuda" else _by_cpu_time
    return Timing(tuple(sorted(once(run) for _ in range(repeats))))


def _by_events(run: Callable[[], object]) -> float:
    torch.cuda.synchronize()
    start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
    start.record()
    run()
    end.record()
    torch.cuda.synchronize()
    return start.elapsed_time(end) / 1e3


def _by_cpu_time(run: Callable[[], object]) -> float:
    started = time.process_time()
    run()
    return time.process_time() - started


def fastest(run: Callable[[], object], repeats: int = 5) -> float:
    """Seconds of the fastest of several runs by the clock, one after the other: the one that was disturbed least.

    Raises:
        ValueError: fewer than one run is asked for.
    """
    if repeats < 1:
        raise ValueError(f"repeats: got {repeats}; expected 1 or more")
    took = []
    for _ in range(repeats):
        started = time.perf_counter()
        run()
        took.append(time.perf_counter() - started)
    return min(took)


def peak_memory(run: Callable[[], object], device: torch.device | str) -> int:
    """Most bytes of memory that a run takes beside what was taken before: a CUDA device's, or the process's on Linux.

    Raises:
        NotImplementedError: for a CPU whose system has no /proc.
    """
    if torch.device(device).type == "cpu":
        return _peak_of_process(run)
    torch.cuda.synchronize(device)
    torch.cuda.reset_peak_memory_stats(device)
    before = torch.cuda.memory_allocated(device)
    run()
    torch.cuda.synchronize(device)
    return torch.cuda.max_memory_allocated(device) - before


def _peak_of_process(run: Callable[[], object]) -> int:
    own = Path("/proc/self")
    if not (own / "clear_refs").exists():
        raise NotImplementedError("peak memory on a CPU is read from /proc/self, which this system does not have")
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)  # or what is free already would be taken without being counted
    (own / "clear_refs").write_text("5")  # sets the high-water mark back to what is taken now
    before = _kibibytes(own / "status", "VmRSS")
    run()
    return 1024 * (_kibibytes(own / "status", "VmHWM") - before)


def _kibibytes(status: Path, name: str) -> int:
    line = next(line for line in status.read_text().splitlines() if line.startswith(f"{name}:"))
    return int(line.split()[1])


class StageTimes(Steps):
    """Takes the steps of `pipeline.run` as other `Steps` do, and adds up the seconds that each of them took.

    `seconds` holds them by the step's name: CPU time of the process, or the clock's on a GPU, which is waited for
    before and after every step.
    """

    def __init__(self, steps: Steps | None = None) -> None:
        self._steps = Steps() if steps is None else steps
        self.seconds: defaultdict[str, float] = defaultdict(float)

    def __call__(self, step: Callable[..., Result], *inputs: Any) -> Result:
        """What the step makes of its inputs."""
        on_gpu = any(isinstance(value, torch.Tensor) and value.is_cuda for value in inputs)
        now = _waited_clock if on_gpu else time.process_time
        started = now()
        result = self._steps(step, *inputs)
        self.seconds[step.__name__.strip("_")] += now() - started
        return result


def _waited_clock() -> float:
    torch.cuda.synchronize()
    return time.perf_counter()


def stage_seconds(
    clip: ClipTensors, config: InfoMergeConfig, *, fast: bool = False, repeats: int = 3
) -> dict[str, float]:
    """Seconds of every step of InfoMerge on a clip, longest first: medians of runs one after the other.

    Args:
        clip: as `inputs.clip_tensors` gives it.
        config: of the compression.
        fast: in float32, as `precision="fast"` is without GPU kernels, which are not steps.
        repeats: runs that are counted; one before them is not.

    Raises:
        ValueError: fewer than one run is asked for.
    """
    if repeats < 1:
        raise ValueError(f"repeats: got {repeats}; expected 1 or more")
    if fast:
        clip = clip._replace(features=clip.features.float())
    runs = []
    for _ in range(1 + repeats):
        times = StageTimes(FLOAT32 if fast else None)
        pipeline.run(clip, config, times)
        runs.append(times.seconds)
    medians = {step: statistics.median(run[step] for run in runs[1:]) for step in runs[0]}
    return dict(sorted(medians.items(), key=lambda step: -step[1]))
