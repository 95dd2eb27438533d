"""A question about a clip, answered by a stock Video-LLM with or without compression, and what each stage cost."""

import functools
import re
import statistics
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from infomerge.config import InfoMergeConfig
from infomerge.measure.flops import Decoder, decoder_of, prefill_flops
from infomerge.methods import compress
from infomerge.models.attachment import Run, compressing
from infomerge.models.families import Family, family_of
from infomerge.models.prompting import Prompt, Prompter, class_of, first_line
from infomerge.models.rehearsal import without_progress_bars
from infomerge.models.shortening import CompressedVideo, Compressor, Positions
from infomerge.video.clip import Clip

SCHEMA = "infomerge.answers"
SCHEMA_VERSION = 1

# An owner's and a model's name, or a model's name alone.
_HUB_NAME = re.compile(r"[\w-][\w.-]*(/[\w-][\w.-]*)?")


@dataclass(frozen=True)
class Seconds:
    """Wall-clock seconds of the stages of a call. On a GPU, each has ended on the device before the next begins."""

    encode: float
    """The vision tower and the projector; with compression, the recording of attention for saliency too."""
    compress: float
    """The compression; 0 without one."""
    prefill: float
    """The language model's first forward, over the prompt."""
    decode: float
    """From there to the last new token."""
    total: float
    """The whole of `generate`: the stages above, and what lies between them, such as positions."""


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


def load(
    name_or_path: str,
    *,
    device: str = "cpu",
    dtype: torch.dtype | None = None,
    max_pixels: int | None = None,
) -> tuple[Any, Prompter]:
    """A Video-LLM and its prompter, from a folder or from the hub. From a folder nothing is fetched.

    Args:
        name_or_path: a folder, or a model's name on the Hugging Face hub such as
            "llava-hf/llava-onevision-qwen2-0.5b-ov-hf", which is downloaded unless it is in the local cache. A folder
            of that name comes first.
        device: "cpu", "cuda", "cuda:1" ...
        dtype: what the weights are converted to. Without it, as they are stored.
        max_pixels: as in `Prompter`.

    Raises:
        OSError: there is no such model, or a part of it is missing or cannot be read.
        TypeError: it is of no supported class.
        ValueError: the device is not there, weights are missing or of a shape that config.json does not say, or an
            option is out of range.
    """
    import transformers
    from huggingface_hub.errors import StrictDataclassError
    from safetensors import SafetensorError

    place = _device(device)
    local = _is_local(name_or_path)
    try:
        config = transformers.AutoConfig.from_pretrained(name_or_path, local_files_only=local)
    except (OSError, ValueError, StrictDataclassError) as error:
        raise _no_model(name_or_path, error) from error
    kind = getattr(transformers, class_of(config))
    prompter = Prompter.from_pretrained(name_or_path, config, local_files_only=local, max_pixels=max_pixels)
    try:
        with without_progress_bars() if local else nullcontext():
            model, info = kind.from_pretrained(
                name_or_path,
                dtype="auto" if dtype is None else dtype,
                output_loading_info=True,
                ignore_mismatched_sizes=True,  # they are refused below, by name
                local_files_only=local,
            )
    except (OSError, SafetensorError, RuntimeError) as error:
        raise _no_model(name_or_path, error) from error
    missing = sorted(info["missing_keys"])
    if missing:
        raise ValueError(
            f"name_or_path: found {name_or_path!r}, which lacks {len(missing)} weights of {kind.__name__}, "
            f"{missing[0]} among them; accepted is a checkpoint with all of them"
        )
    if info["mismatched_keys"]:
        weight, stored, expected = sorted(info["mismatched_keys"])[0]
        raise ValueError(
            f"name_or_path: found {name_or_path!r}, whose {weight} has shape {list(stored)}; accepted is "
            f"{list(expected)}, as its config.json says"
        )
    return model.to(place).eval(), prompter


def ask(
    model: Any,
    prompter: Prompter,
    clip: Clip,
    question: str,
    config: InfoMergeConfig | Compressor | None = None,
    *,
    positions: Positions = "original",
    max_new_tokens: int = 64,
    repeats: int = 1,
) -> Answer:
    """The model's answer to a question about a clip, by greedy decoding.

    Args:
        model: of a supported class.
        prompter: of the same checkpoint.
        clip: its frames are all shown.
        question: in words.
        config: the compression, as `infomerge.models.attach` takes it. None: without compression, and with nothing
            attached here.
        positions: as in `attach`.
        max_new_tokens: the longest answer.
        repeats: calls that are timed; the medians are reported. Above 1, one that is not timed comes first, so that
            what a process does once stays out.

    Raises:
        TypeError, ValueError: as `Prompter`, `answer` and `attach` raise them.
    """
    prompt = prompter(clip.frames, clip.timestamps, question, clip.metadata.duration)
    return answer(model, prompter, prompt, config, positions=positions, max_new_tokens=max_new_tokens, repeats=repeats)


def answer(
    model: Any,
    prompter: Prompter,
    prompt: Prompt,
    config: InfoMergeConfig | Compressor | None = None,
    *,
    positions: Positions = "original",
    max_new_tokens: int = 64,
    repeats: int = 1,
) -> Answer:
    """The model's answer to a prompt that is made already; see `ask`.

    Raises:
        TypeError: the model or the config is of no supported class.
        ValueError: a number is below 1, or the prompt does not hold one video.
    """
    for name, value in (("max_new_tokens", max_new_tokens), ("repeats", repeats)):
        if value < 1:
            raise ValueError(f"{name}: found {value}; accepted is 1 or more")
    family = family_of(model)
    inputs = {name: _placed(value, model) for name, value in prompt.inputs.items()}
    tokenizer = prompter.tokenizer
    padding = tokenizer.eos_token_id if tokenizer.pad_token_id is None else tokenizer.pad_token_id
    options = {"max_new_tokens": max_new_tokens, "do_sample": False, "pad_token_id": padding}

    calls = []
    for _ in range(repeats + (repeats > 1)):
        watch = Stopwatch(model.device)
        attached: AbstractContextManager[Run | None] = nullcontext()
        if config is not None:
            attached = compressing(model, _timed(config, watch), positions=positions)
        with attached as run, _stages(model, family, watch), torch.no_grad():
            output = model.generate(**inputs, **options)
            calls.append(watch.seconds())
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
        seconds=_medians(calls[-repeats:]),
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


class Stopwatch:
    """Seconds of stages, from now on."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._spent = {"encode": 0.0, "compress": 0.0, "prefill": 0.0}
        self._started: float | None = None
        self._prefilled: float | None = None
        self._begin = self._now()

    def _now(self) -> float:
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)
        return time.perf_counter()

    def timed(self, function: Any, stage: str) -> Any:
        """The function, whose calls count for a stage."""

        @functools.wraps(function)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            start = self._now()
            try:
                return function(*args, **kwargs)
            finally:
                self._spent[stage] += self._now() - start

        return wrapped

    def before_text(self, *_: Any) -> None:
        """A forward of the language model begins."""
        if self._started is None:
            self._started = self._now()

    def after_text(self, *_: Any) -> None:
        """A forward of the language model has ended."""
        if self._prefilled is None and self._started is not None:
            self._prefilled = self._now()
            self._spent["prefill"] = self._prefilled - self._started

    def seconds(self) -> Seconds:
        """What was spent until now."""
        end = self._now()
        decode = 0.0 if self._prefilled is None else end - self._prefilled
        return Seconds(**self._spent, decode=decode, total=end - self._begin)


@contextmanager
def _stages(model: Any, family: Family, watch: Stopwatch) -> Iterator[None]:
    """Time the encoder and the first forward of the language model inside the block; afterwards all is as it was."""
    base, name = model.base_model, f"get_{family.modality}_features"
    own = vars(base).get(name)
    text = family.text_model(model)
    hooks = [text.register_forward_pre_hook(watch.before_text), text.register_forward_hook(watch.after_text)]
    # Both routes, of stock `generate` and of the compression, encode by this method of this object.
    setattr(base, name, watch.timed(getattr(base, name), "encode"))
    try:
        yield
    finally:
        delattr(base, name)
        if own is not None:
            setattr(base, name, own)
        for hook in hooks:
            hook.remove()


def _timed(config: InfoMergeConfig | Compressor, watch: Stopwatch) -> Compressor:
    function = functools.partial(compress, config=config) if isinstance(config, InfoMergeConfig) else config
    timed: Compressor = watch.timed(function, "compress") if callable(function) else function
    return timed


def _medians(calls: list[Seconds]) -> Seconds:
    return Seconds(**{f.name: statistics.median(getattr(call, f.name) for call in calls) for f in fields(Seconds)})


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


def _device(name: str) -> torch.device:
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ValueError(f"device: found {name!r}; accepted are cpu, cuda, and cuda:N") from error
    if device.type not in ("cpu", "cuda"):
        raise ValueError(f"device: found {name!r}; accepted are cpu, cuda, and cuda:N, as compression needs float64")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise ValueError(
            f"device: found {name!r} and {torch.cuda.device_count()} CUDA devices; accepted is one of them, or cpu"
        )
    return device


def _is_local(name_or_path: str) -> bool:
    """Whether a folder is meant; else it is a name on the hub."""
    path = Path(name_or_path)
    if path.is_dir():
        if not (path / "config.json").is_file():
            raise OSError(f"name_or_path: found the folder {name_or_path!r} without config.json; {_ACCEPTED}")
        return True
    if path.exists() or not _HUB_NAME.fullmatch(name_or_path):
        found = "a file" if path.exists() else "no folder"
        raise OSError(f"name_or_path: found {found} {name_or_path!r}; {_ACCEPTED}")
    return False


_ACCEPTED = "accepted is a folder with a saved model or a model's name on the Hugging Face hub"


def _no_model(name: str, error: Exception) -> OSError:
    reason = first_line(error).rstrip(".")
    found = "" if Path(name).is_dir() else "no folder and "
    return OSError(f"name_or_path: found {found}no model {name!r} that can be loaded ({reason}); {_ACCEPTED}")
