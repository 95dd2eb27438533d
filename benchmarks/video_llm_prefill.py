"""What compression saves a Video-LLM of full size on a GPU: `python -m benchmarks.video_llm_prefill`.

LLaVA-OneVision-7B and Qwen2.5-VL-7B of stock transformers read 32 frames and a question, batch 1, bf16, sdpa. Their
weights are random: they take as much time and memory as trained ones, and say nothing about accuracy. Frames are on the
device already; decoding and resizing them is not part of any number here.

Times are medians of wall time, with the device waited for before and after. `first token` is `generate` with one new
token, nothing else measured inside, and has its quartiles beside it; the three stages before it are from calls of their
own, so that waiting for each of them is not in the total. What is missing between their sum and the total is the
shortening of the prompt, the head of the language model and `generate` itself. `encode` is the model's own
`get_video_features`; under compression it also records the attention of the vision tower.

The table says where the tests do not cover the release of transformers. --tiny runs the same on models of a few
thousand weights, on the CPU, in seconds.
"""

import argparse
import csv
import functools
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from rich.console import Console
from rich.table import Column, Table
from torch import Tensor

from benchmarks.prefill_subjects import FULL, TINY, Size, Subject, subjects
from infomerge import InfoMergeConfig
from infomerge.files import replaced
from infomerge.measure.flops import prefill_flops
from infomerge.methods import make_compressor
from infomerge.models import Run, attachment, compressing

TARGET = Path(__file__).parent.parent / "data" / "results" / "video_llm_prefill.csv"
RATIOS = (1.0, 0.15, 0.10, 0.05)
GIB = 2**30


class Stopwatch(transformers.LogitsProcessor):
    """Notes when the scores of each new token are there, and leaves them as they are."""

    def __init__(self, clock: "Clock") -> None:
        self.clock = clock
        self.times: list[float] = []

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        """The scores."""
        self.times.append(self.clock.wait())
        return scores

    @property
    def ms_per_token(self) -> float:
        """Mean over the tokens after the first."""
        return 1e3 * (self.times[-1] - self.times[0]) / (len(self.times) - 1)


class Clock:
    """Wall time of actions, waiting for the device."""

    def __init__(self, device: torch.device, repeats: int) -> None:
        self.device = device
        self.repeats = repeats
        self.stages: dict[str, list[float]] = {}

    def wait(self) -> float:
        """The time in seconds when the device has nothing left to do."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        return time.perf_counter()

    def quartiles_ms(self, action: Callable[[], object]) -> list[float]:
        """Of several runs, after two that warm up: the quarter, the half and three quarters took no longer."""
        times = []
        for _ in range(self.repeats + 2):
            start = self.wait()
            action()
            times.append(1e3 * (self.wait() - start))
        return [float(time) for time in np.percentile(times[2:], [25, 50, 75])]

    def timed(self, stage: str, action: Callable[..., Any]) -> Callable[..., Any]:
        """The action, whose times go to a stage."""

        @functools.wraps(action)
        def run(*args: Any, **kwargs: Any) -> Any:
            start = self.wait()
            result = action(*args, **kwargs)
            self.stages.setdefault(stage, []).append(1e3 * (self.wait() - start))
            return result

        return run

    def stage_ms(self, stage: str) -> float | None:
        """The median of a stage, its two warm-up runs left out; None where it did not run."""
        times = self.stages.get(stage, [])[2:]
        return statistics.median(times) if times else None


@contextmanager
def _replaced(owner: Any, name: str, value: Any) -> Iterator[None]:
    """An attribute of one instance that hides its class's inside the block."""
    setattr(owner, name, value)
    try:
        yield
    finally:
        delattr(owner, name)


def measure(
    subject: Subject,
    model: Any,
    inputs: dict[str, Tensor],
    ratio: float,
    size: Size,
    clock: Clock,
    new_tokens: int,
    precision: str,
) -> dict[str, Any]:
    """One row of the table."""
    clock.stages.clear()
    compressor = None if ratio == 1 else make_compressor(InfoMergeConfig.paper(ratio), precision=precision)

    def generate(tokens: int = 1, **more: Any) -> Any:
        return model.generate(**inputs, max_new_tokens=tokens, do_sample=False, **more)

    run: Run | None
    with _compressing(model, compressor) as run:
        low, first, high = clock.quartiles_ms(generate)
        watches = [Stopwatch(clock) for _ in range(clock.repeats)]
        for watch in watches:
            generate(1 + new_tokens, logits_processor=transformers.LogitsProcessorList([watch]))
        peak = _peak_gib(clock.device, generate)
    base, language = model.base_model, model.base_model.language_model
    seen: dict[str, Any] = {}
    hook = language.register_forward_pre_hook(lambda _, args, kwargs: seen.update(kwargs), with_kwargs=True)
    timed = compressor and clock.timed("compress", compressor)
    with (
        _compressing(model, timed),
        _replaced(base, "get_video_features", clock.timed("encode", base.get_video_features)),
        _replaced(language, "forward", clock.timed("prefill", language.forward)),
    ):
        clock.quartiles_ms(generate)
    hook.remove()
    video = subject.config.video_token_id
    tokens = sum(record.kept for record in run.last) if run else _frame_tokens(subject, size, video)
    return {
        "model": subject.name,
        "retention_ratio": ratio,
        "arithmetic": run.last[0].compression.trace.arithmetic if run else None,
        "segments": len(run.last[0].compression.trace.segments) if run else None,
        "visual_tokens": tokens,
        "prompt_tokens": run.length if run else inputs["input_ids"].shape[1],
        "encode_ms": clock.stage_ms("encode"),
        "compress_ms": clock.stage_ms("compress"),
        "prefill_ms": clock.stage_ms("prefill"),
        "prefill_graph_ms": _graph_ms(language, seen, clock),
        "first_token_ms": first,
        "first_token_low_ms": low,
        "first_token_high_ms": high,
        "decode_ms_per_token": statistics.median(watch.ms_per_token for watch in watches),
        "peak_memory_gib": peak,
        "prefill_tflops": prefill_flops(tokens, size.decoder) / 1e12,
    }


def _compressing(model: Any, compressor: Callable[..., Any] | None) -> AbstractContextManager[Any]:
    return nullcontext() if compressor is None else compressing(model, compressor)


def _frame_tokens(subject: Subject, size: Size, video: int) -> int:
    """Visual tokens before compression, without what stands between or after frames."""
    steps = size.frames // 2 if "Qwen" in subject.model_class else size.frames
    return subject.visual.count(video) // steps * steps


def _peak_gib(device: torch.device, action: Callable[[], object]) -> float | None:
    """Most memory that tensors took on the device, weights included; None on the CPU, which does not count it."""
    if device.type != "cuda":
        return None
    torch.cuda.reset_peak_memory_stats(device)
    action()
    return torch.cuda.max_memory_allocated(device) / GIB


@torch.no_grad()
def _graph_ms(language: Any, seen: dict[str, Any], clock: Clock) -> float | None:
    """The same prefill, without a cache, as a CUDA graph: without the time that launching its kernels takes."""
    embeds, positions = seen["inputs_embeds"].clone(), seen["position_ids"].clone()
    # A ready mask, here the plain causal one, keeps the model from reading values back to build its own.
    mask = {"full_attention": None}

    def prefill() -> object:
        return language(inputs_embeds=embeds, position_ids=positions, attention_mask=mask, use_cache=False)

    if clock.device.type != "cuda":
        prefill()  # it works, although there are no graphs here
        return None
    try:
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            prefill()
        torch.cuda.current_stream().wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            prefill()
    except RuntimeError as error:
        print(f"no CUDA graph of this prefill: {str(error).splitlines()[0]}")
        return None
    return clock.quartiles_ms(graph.replay)[1]


def write(rows: Sequence[dict[str, Any]], path: Path) -> None:
    """The rows as CSV, to a temporary name and then renamed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with replaced(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as handle:
        table = csv.DictWriter(handle, list(rows[0]))
        table.writeheader()
        table.writerows({name: _cell(value, ".4g", "") for name, value in row.items()} for row in rows)


def _cell(value: Any, form: str, missing: str) -> str:
    if value is None:
        return missing
    return format(value, form) if isinstance(value, float) else str(value)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=15, help="timed runs of each (default: 15)")
    parser.add_argument("--new-tokens", type=int, default=8, help="tokens after the first (default: 8)")
    parser.add_argument("--precision", default="auto", help="exact, fast, or auto: fast on a GPU (default: auto)")
    parser.add_argument("--out", type=Path, help=f"where the table goes (default: {TARGET.name} in data/results)")
    parser.add_argument("--tiny", action="store_true", help="small models on the CPU; no file without --out")
    parser.add_argument("--any-transformers", action="store_true", help=argparse.SUPPRESS)  # what now happens anyway
    options = parser.parse_args(arguments)
    if not options.tiny and not torch.cuda.is_available():
        parser.error("no CUDA device: got a CPU alone; expected a CUDA GPU with 40 GiB free, and --tiny")

    tested = attachment.TESTED.contains(transformers.__version__, prereleases=True)
    size, device = (TINY, torch.device("cpu")) if options.tiny else (FULL, torch.device("cuda"))
    dtype = torch.float32 if options.tiny else torch.bfloat16
    target = options.out or (None if options.tiny else TARGET)
    clock = Clock(device, options.repeats)
    machine = {
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU",
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "transformers_tested": tested,
        "dtype": str(dtype).removeprefix("torch."),
        "frames": size.frames,
    }
    rows = []
    for subject in subjects(size):
        start = time.perf_counter()
        model, inputs = subject.build(device, dtype), subject.inputs(device, dtype)
        weights = sum(p.numel() * p.element_size() for p in model.parameters()) / GIB
        for ratio in RATIOS:
            row = measure(subject, model, inputs, ratio, size, clock, options.new_tokens, options.precision)
            rows.append(machine | row | {"weights_gib": weights})
            if target:
                write(rows, target)
        print(f"{subject.name}: {time.perf_counter() - start:.0f} s", flush=True)
        del model
        if device.type == "cuda":
            torch.cuda.empty_cache()
    _show(rows, options)
    if target:
        print(f"written to {target}")


_HEADINGS = {
    "model": "model",
    "retention_ratio": "ratio",
    "visual_tokens": "visual tokens",
    "prompt_tokens": "prompt",
    "segments": "segments",
    "encode_ms": "encode (ms)",
    "compress_ms": "compress (ms)",
    "prefill_ms": "prefill (ms)",
    "prefill_graph_ms": "prefill, graph (ms)",
    "first_token_ms": "first token (ms)",
    "first_token_low_ms": "quartile",
    "first_token_high_ms": "quartile",
    "decode_ms_per_token": "later token (ms)",
    "peak_memory_gib": "peak (GiB)",
    "prefill_tflops": "prefill (TFLOPs)",
}


def _show(rows: Sequence[dict[str, Any]], options: argparse.Namespace) -> None:
    table = Table(Column("model", no_wrap=True), *list(_HEADINGS.values())[1:])
    for row in rows:
        table.add_row(*(_cell(row[name], ".3g" if "flops" in name else ".4g", "-") for name in _HEADINGS))
    first = rows[0]
    tested = "" if first["transformers_tested"] else " (which the tests do not cover)"
    console = Console(width=150)
    console.print(
        f"{first['device']}, torch {first['torch']}, transformers {first['transformers']}{tested}; {first['frames']} "
        f"frames, batch 1, {first['dtype']}, sdpa, random weights{', TINY' if options.tiny else ''}; medians of "
        f"{options.repeats}; FLOPs are multiply-accumulates over visual tokens, as the paper counts them"
    )
    console.print(table)


if __name__ == "__main__":
    main()
