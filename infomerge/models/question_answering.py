"""A question about a clip, answered by a stock Video-LLM with or without compression, and what each stage cost."""

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, fields
from typing import Any

import torch
from torch import Tensor

from infomerge.deprecation import warn_renamed
from infomerge.measure.flops import Decoder, decoder_of, prefill_flops
from infomerge.methods import make_compressor
from infomerge.models.adapters import adapter_for
from infomerge.models.attachment import Run, compressing, older_names
from infomerge.models.compressed_call import CompressedVideo, PositionMode
from infomerge.models.processing import Prompt, as_processor
from infomerge.models.timing import Seconds, Timer, medians, timed_stages
from infomerge.video.clip import Clip

SCHEMA = "infomerge.answers"
SCHEMA_VERSION = 1


@dataclass(frozen=True, eq=False)
class Answer:
    """What a model said about a clip, and what that took."""

    text: str
    new_tokens: int
    """Tokens of the answer, an end-of-sequence token included."""
    seconds: Seconds
    visual_tokens: int
    """Tokens of the clip, without separators, before compression."""
    requested_tokens: int
    """Those of them that the retention ratio asks for; all without compression."""
    kept_tokens: int
    """Those of them that reached the language model."""
    prompt_length: int
    """Tokens of the whole prompt, before compression."""
    length: int
    """Those of them that reached the language model."""
    prefill_flops: float | None
    """Multiply-accumulates of the language model's prefill over `length` tokens; None where it has experts."""
    visual_flops: float | None
    """The same over `kept_tokens` alone, as the paper counts (Tables 1 and 2)."""
    saliency_source: str | None
    """Where saliency came from; None without compression."""
    video: CompressedVideo | None
    """The compression and its place in the prompt, for plots; None without one."""

    def record(self) -> dict[str, Any]:
        """Everything but the tensors, and the flat index of every kept token, as JSON takes it."""
        plain = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in ("seconds", "video")}
        kept = None if self.video is None else self.video.compression.index.tolist()
        return {**plain, "seconds": asdict(self.seconds), "kept_index": kept}


def ask(
    model: Any,
    processor: Any,
    clip: Clip,
    question: str,
    method: Any = None,
    *,
    retention_ratio: float | None = None,
    position_mode: PositionMode = "original",
    max_new_tokens: int = 64,
    repeats: int = 1,
    **options: Any,
) -> Answer:
    """The model's answer to a question about a clip, by greedy decoding.

    Args:
        model: of a supported class.
        processor: of the same checkpoint: what `load` gave, or a processor of transformers.
        clip: its frames are all shown.
        question: in words.
        method: the compression, as `infomerge.models.attach` takes it.
        retention_ratio: likewise. Without `method` and without it there is no compression, and nothing is attached.
        position_mode: as in `attach`.
        max_new_tokens: the longest answer.
        repeats: calls that are timed; the medians are reported. Above 1, one that is not timed comes first, so that
            what a process does once stays out.
        options: of the method.

    Raises:
        TypeError, ValueError: as the processor, `answer` and `attach` raise them.
    """
    processor = as_processor(processor, model.config)
    prompt = processor(clip.frames, clip.timestamps, question, clip.metadata.duration)
    return answer(
        model,
        processor,
        prompt,
        method,
        retention_ratio=retention_ratio,
        position_mode=position_mode,
        max_new_tokens=max_new_tokens,
        repeats=repeats,
        **options,
    )


def answer(
    model: Any,
    processor: Any,
    prompt: Prompt,
    method: Any = None,
    *,
    retention_ratio: float | None = None,
    position_mode: PositionMode = "original",
    max_new_tokens: int = 64,
    repeats: int = 1,
    **options: Any,
) -> Answer:
    """The model's answer to a prompt that is made already; see `ask`.

    Raises:
        TypeError: the model or the method is of no supported class.
        ValueError: a number is below 1, or the prompt does not hold one video.
    """
    for name, value in (("max_new_tokens", max_new_tokens), ("repeats", repeats)):
        if value < 1:
            raise ValueError(f"{name}: found {value}; accepted is 1 or more")
    position_mode = older_names(position_mode, options)
    if "config" in options and options["config"] is None:  # as it was written before: no compression
        warn_renamed("config=", "method=")
        del options["config"]
    compressor = None
    if method is not None or retention_ratio is not None or options:
        compressor = make_compressor(method, retention_ratio=retention_ratio, **options)
    inputs = {name: _placed(value, model) for name, value in prompt.inputs.items()}
    adapter, tokenizer = adapter_for(model), processor.tokenizer
    padding = tokenizer.eos_token_id if tokenizer.pad_token_id is None else tokenizer.pad_token_id
    limits = {"max_new_tokens": max_new_tokens, "do_sample": False, "pad_token_id": padding}

    calls = []
    for _ in range(repeats + (repeats > 1)):
        timer = Timer(model.device)
        attached: AbstractContextManager[Run | None] = nullcontext()
        if compressor is not None:
            timed = timer.timed(compressor, "compress")
            attached = compressing(model, timed, position_mode=position_mode, tokenizer=tokenizer)
        with attached as run, timed_stages(adapter, timer), torch.no_grad():
            output = model.generate(**inputs, **limits)
            calls.append(timer.seconds())
        if run is not None and len(run.last) != 1:
            raise ValueError(f"prompt: found {len(run.last)} videos in it; accepted is a prompt with one")
    full = prompt.inputs["input_ids"].shape[1]
    new = output[0, full:]
    video = None if run is None else run.last[0]
    length = full if run is None else run.length
    kept = prompt.visual_tokens if video is None else video.kept
    decoder = _decoder(model)
    return Answer(
        text=tokenizer.decode(new, skip_special_tokens=True).strip(),
        new_tokens=len(new),
        seconds=medians(calls[-repeats:]),
        visual_tokens=prompt.visual_tokens,
        requested_tokens=prompt.visual_tokens if video is None else video.requested,
        kept_tokens=kept,
        prompt_length=full,
        length=length,
        prefill_flops=None if decoder is None else prefill_flops(length, decoder),
        visual_flops=None if decoder is None else prefill_flops(kept, decoder),
        saliency_source=None if video is None else video.saliency_source,
        video=video,
    )


def described(model: Any) -> dict[str, Any]:
    """What was loaded: class, parameters, dtype and device."""
    return {
        "class": type(model).__name__,
        "parameters": model.num_parameters(),
        "dtype": str(model.dtype).removeprefix("torch."),
        "device": str(model.device),
    }


def record_answers(
    answers: Mapping[str, Answer], clip: Clip, question: str, prompt: Prompt, model: Mapping[str, Any]
) -> dict[str, Any]:
    """Answers to one question as plain numbers under a versioned schema, for JSON and for tables.

    Args:
        answers: by how they came about.
        clip: what was asked about.
        question: in words.
        prompt: made of both.
        model: its name, and `described`.
    """
    from infomerge import __version__

    return {
        "schema": SCHEMA,
        "schema_version": SCHEMA_VERSION,
        "infomerge": __version__,
        "model": dict(model),
        "clip": {
            "name": clip.metadata.name,
            "frames": len(clip.frames),
            "timestamps_seconds": clip.timestamps.tolist(),
            "source_frames": list(clip.metadata.frame_indices),
        },
        "question": question,
        "prompt": {"frames": prompt.frames, "grid": list(prompt.grid), "visual_tokens": prompt.visual_tokens},
        "answers": {name: answer.record() for name, answer in answers.items()},
    }


def _placed(value: Tensor, model: Any) -> Tensor:
    """An argument on the model's device; pixels, but not seconds, in its dtype."""
    if value.is_floating_point() and value.ndim > 1:
        return value.to(model.device, model.dtype)
    return value.to(model.device)


def _decoder(model: Any) -> Decoder | None:
    try:
        return decoder_of(model.config)
    except ValueError:
        return None
