"""What compression saves a Video-LLM of full size on a GPU: `python -m benchmarks.video_llm_prefill`.

LLaVA-OneVision-7B and Qwen2.5-VL-7B of stock transformers read 32 frames and a question, batch 1, bf16, sdpa. Their
weights are random: they take as much time and memory as trained ones, and say nothing about accuracy. Frames are on the
device already; decoding and resizing them is not part of any number here.

Times are medians of wall time, with the device waited for before and after. `first token` is `generate` with one new
token, nothing else measured inside, and has its quartiles beside it; the three stages before it are from calls of their
own, so that waiting for each of them is not in the total. What is missing between their sum and the total is the
shortening of the prompt, the head of the language model and `generate` itself. `encode` is the model's own
`get_video_features`; under compression it also records the attention of the vision tower.

The adapter takes the releases of transformers that its tests cover. --any-transformers lets it take any, for this run
alone, and the table says so. --tiny runs the same on models of a few thousand weights, on the CPU, in seconds.
"""

import argparse
import csv
import functools
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from packaging.specifiers import SpecifierSet
from rich.console import Console
from rich.table import Column, Table
from torch import Tensor

from infomerge import InfoMergeConfig, compress
from infomerge.measure.flops import QWEN2_7B, Decoder, prefill_flops
from infomerge.models import attachment

TARGET = Path(__file__).parent.parent / "data" / "results" / "video_llm_prefill.csv"
RATIOS = (1.0, 0.15, 0.10, 0.05)
GIB = 2**30


@dataclass(frozen=True)
class Size:
    """How large both models are, and what they read."""

    decoder: Decoder
    siglip: dict[str, Any]
    qwen_vision: dict[str, Any]
    qwen_side: int
    """Patches along the side of a frame that Qwen2.5-VL reads."""
    frames: int
    mrope_section: list[int]


# The published configurations of llava-onevision-qwen2-7b-ov and Qwen2.5-VL-7B-Instruct. The tower of the first is
# SigLIP-so400m at 384 pixels without its last layer and its pooling head. Both decoders have 28 layers of width 3584,
# 18944 in the feed-forward network, 28 heads, and 4 for keys and values.
FULL = Size(
    decoder=QWEN2_7B,
    siglip={
        "hidden_size": 1152,
        "intermediate_size": 4304,
        "num_hidden_layers": 26,
        "num_attention_heads": 16,
        "image_size": 384,
        "patch_size": 14,
    },
    qwen_vision={
        "depth": 32,
        "hidden_size": 1280,
        "intermediate_size": 3420,
        "num_heads": 16,
        "patch_size": 14,
        "window_size": 112,
        "fullatt_block_indexes": [7, 15, 23, 31],
        "tokens_per_second": 2,
    },
    qwen_side=28,
    frames=32,
    mrope_section=[16, 24, 24],
)
TINY = Size(
    decoder=Decoder(layers=2, hidden=32, feed_forward=48, heads=4, key_value_heads=2),
    siglip={
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "image_size": 48,
        "patch_size": 4,
    },
    qwen_vision={
        "depth": 2,
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_heads": 4,
        "patch_size": 4,
        "window_size": 16,
        "fullatt_block_indexes": [1],
        "tokens_per_second": 2,
    },
    qwen_side=12,
    frames=16,
    mrope_section=[1, 1, 2],
)

BEFORE, AFTER = list(range(100, 114)), list(range(200, 224))  # as long as a chat template's and a question's ids


@dataclass(frozen=True)
class Subject:
    """A model to be made, and the one prompt that it gets."""

    name: str
    model_class: str
    config: Any
    visual: list[int]
    """Ids that stand for the video."""
    pixels: Callable[[], dict[str, Tensor]]

    def build(self, device: torch.device, dtype: torch.dtype) -> Any:
        """The model, with random weights that are made on the device."""
        torch.manual_seed(0)
        with torch.device(device):
            model = getattr(transformers, self.model_class)._from_config(
                self.config, dtype=dtype, attn_implementation="sdpa"
            )
        model.generation_config.eos_token_id = None  # never stop before the last token that is asked for
        model.generation_config.pad_token_id = 0
        return model.eval()

    def inputs(self, device: torch.device, dtype: torch.dtype) -> dict[str, Tensor]:
        """The prompt and the video, as the model's processor would give them."""
        ids = torch.tensor([[*BEFORE, *self.visual, *AFTER]], device=device)
        made = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
        if "Qwen" in self.model_class:
            made["mm_token_type_ids"] = 2 * (ids == self.config.video_token_id).int()
        for name, value in self.pixels().items():
            made[name] = value.to(device, dtype if value.is_floating_point() else None)
        return made


def subjects(size: Size) -> list[Subject]:
    """Both models."""
    text = {
        "hidden_size": size.decoder.hidden,
        "intermediate_size": size.decoder.feed_forward,
        "num_hidden_layers": size.decoder.layers,
        "num_attention_heads": size.decoder.heads,
        "num_key_value_heads": size.decoder.key_value_heads,
        "max_position_embeddings": 32768,
        "rms_norm_eps": 1e-6,
        "tie_word_embeddings": False,
        "bos_token_id": 1,
        "eos_token_id": 2,
    }
    rope = {"rope_type": "default", "rope_theta": 1e6}
    full = size is FULL
    return [
        _llava_onevision(size, text | {"rope_parameters": rope, "vocab_size": 152000 if full else 256}),
        _qwen25_vl(
            size,
            text
            | {"rope_parameters": rope | {"mrope_section": size.mrope_section}, "vocab_size": 152064 if full else 256},
        ),
    ]


def _llava_onevision(size: Size, text: dict[str, Any]) -> Subject:
    video = text["vocab_size"] - 1
    config = transformers.LlavaOnevisionConfig(
        vision_config={"model_type": "siglip_vision_model", "vision_use_head": False, **size.siglip},
        text_config={"model_type": "qwen2", **text},
        image_token_index=video - 1,
        video_token_index=video,
        vision_feature_layer=-1,
        vision_feature_select_strategy="full",
    )
    side = -(-(size.siglip["image_size"] // size.siglip["patch_size"]) // 2)
    shape = (3, size.siglip["image_size"], size.siglip["image_size"])
    return Subject(
        "LLaVA-OneVision-7B",
        "LlavaOnevisionForConditionalGeneration",
        config,
        visual=[video] * (size.frames * side**2 + 1),  # and a newline after the whole video
        pixels=lambda: {"pixel_values_videos": scenes(size.frames, *shape)[None]},
    )


def _qwen25_vl(size: Size, text: dict[str, Any]) -> Subject:
    last = text["vocab_size"] - 1
    config = transformers.Qwen2_5_VLConfig(
        vision_config={
            "in_channels": 3,
            "spatial_merge_size": 2,
            "temporal_patch_size": 2,
            "out_hidden_size": text["hidden_size"],
            **size.qwen_vision,
        },
        text_config=text,
        video_token_id=last,
        image_token_id=last - 1,
        vision_start_token_id=last - 2,
        vision_end_token_id=last - 3,
        tie_word_embeddings=False,
    )
    steps, side = size.frames // 2, size.qwen_side
    channels = 3 * 2 * size.qwen_vision["patch_size"] ** 2
    return Subject(
        "Qwen2.5-VL-7B",
        "Qwen2_5_VLForConditionalGeneration",
        config,
        visual=[last - 2, *[last] * (steps * (side // 2) ** 2), last - 3],
        pixels=lambda: {
            "pixel_values_videos": scenes(steps, side**2, channels).flatten(0, 1),
            "video_grid_thw": torch.tensor([[steps, side, side]]),
        },
    )


def scenes(frames: int, *shape: int) -> Tensor:
    """Eight scenes of equal length, still up to noise."""
    generator = torch.Generator().manual_seed(0)
    scene = torch.randn(8, *shape, generator=generator).repeat_interleave(frames // 8, 0)
    return scene + 0.3 * torch.randn(frames, *shape, generator=generator)


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
    subject: Subject, model: Any, inputs: dict[str, Tensor], ratio: float, size: Size, clock: Clock, new_tokens: int
) -> dict[str, Any]:
    """One row of the table."""
    clock.stages.clear()
    compressor = None if ratio == 1 else functools.partial(compress, config=InfoMergeConfig.paper(ratio))

    def generate(tokens: int = 1, **more: Any) -> Any:
        return model.generate(**inputs, max_new_tokens=tokens, do_sample=False, **more)

    run: attachment.Run | None
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
    return nullcontext() if compressor is None else attachment.compressing(model, compressor)


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
    temporary = path.with_suffix(".tmp")
    path.parent.mkdir(parents=True, exist_ok=True)
    with temporary.open("w", newline="", encoding="utf-8") as handle:
        table = csv.DictWriter(handle, list(rows[0]))
        table.writeheader()
        table.writerows({name: _cell(value, ".4g", "") for name, value in row.items()} for row in rows)
    temporary.replace(path)


def _cell(value: Any, form: str, missing: str) -> str:
    if value is None:
        return missing
    return format(value, form) if isinstance(value, float) else str(value)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=15, help="timed runs of each (default: 15)")
    parser.add_argument("--new-tokens", type=int, default=8, help="tokens after the first (default: 8)")
    parser.add_argument("--out", type=Path, help=f"where the table goes (default: {TARGET.name} in data/results)")
    parser.add_argument("--tiny", action="store_true", help="small models on the CPU; no file without --out")
    parser.add_argument("--any-transformers", action="store_true", help="take an untested release of transformers")
    options = parser.parse_args(arguments)
    if not options.tiny and not torch.cuda.is_available():
        parser.error("no CUDA device: found a CPU alone; accepted are a CUDA GPU with 40 GiB free, and --tiny")

    tested = attachment.TESTED.contains(transformers.__version__, prereleases=True)
    if options.any_transformers:
        attachment.TESTED = SpecifierSet("")
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
            row = measure(subject, model, inputs, ratio, size, clock, options.new_tokens)
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
    tested = "" if first["transformers_tested"] else " (untested with the adapter: --any-transformers)"
    console = Console(width=150)
    console.print(
        f"{first['device']}, torch {first['torch']}, transformers {first['transformers']}{tested}; {first['frames']} "
        f"frames, batch 1, {first['dtype']}, sdpa, random weights{', TINY' if options.tiny else ''}; medians of "
        f"{options.repeats}; FLOPs are multiply-accumulates over visual tokens, as the paper counts them"
    )
    console.print(table)


if __name__ == "__main__":
    main()
