"""A clip and a question as the inputs of a Video-LLM, by the checkpoint's own settings and chat template."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from infomerge.encoders.base import check_frames
from infomerge.models.adapters import VideoMetadata, adapter_class
from infomerge.models.chat_template import TemplateFailedError
from infomerge.models.checkpoint import CheckpointFiles, check_settings, first_line
from infomerge.models.pixels import as_pixels


@dataclass(frozen=True, eq=False)
class Prompt:
    """What a model is called with for one clip and one question."""

    inputs: dict[str, Tensor]
    """Arguments of `generate` and `forward`, on the CPU; pixels in float32. One row."""
    frames: int
    """Frames as the model's tokens count them: some models merge two in time."""
    grid: tuple[int, int]
    """Rows and columns of visual tokens of a frame."""

    @property
    def visual_tokens(self) -> int:
        """Tokens of the clip, without separators."""
        return self.frames * math.prod(self.grid)


class Processor:
    """Makes prompts for one checkpoint.

    What transformers' processors do to a clip and a question, without torchvision: the same sizes, the same
    normalisation, the same text around the same number of placeholders.

    Args:
        tokenizer: the checkpoint's.
        config: the model's configuration.
        settings: of preprocessing, as the checkpoint's video_preprocessor_config.json has them. What is missing is
            taken as the class's video processor in transformers takes it.
        template: the chat template. SmolVLM needs none.
        max_pixels: the most pixels of a frame, for models whose frames keep their shape. Without it, the settings'.

    Raises:
        TypeError: the configuration is of no supported class.
        ValueError: a setting or an option is out of range, or the tokenizer does not fit the configuration.
    """

    def __init__(
        self,
        tokenizer: Any,
        config: Any,
        settings: Mapping[str, Any],
        template: str | None = None,
        *,
        max_pixels: int | None = None,
    ) -> None:
        self.tokenizer = tokenizer
        self.config = config
        self.template = template
        self.adapter = adapter_class(config)(config, tokenizer)
        self._placeholder = self.adapter.placeholder_token
        given = {name: value for name, value in settings.items() if value is not None}
        for name in ("do_resize", "do_rescale", "do_normalize"):
            if not given.get(name, True):
                raise ValueError(f"{name} in the checkpoint's preprocessing: got {given[name]}; expected True")
        if given.get("cap_pixels_per_frame"):
            raise ValueError(
                "cap_pixels_per_frame in the checkpoint's preprocessing: got True; expected False, and max_pixels "
                "limits frames instead"
            )
        check_settings(given, self.adapter.defaults)
        self.settings: dict[str, Any] = self.adapter.settled(given)
        if max_pixels is not None:
            self.settings["most_pixels_per_frame"] = self._checked(max_pixels)

    @classmethod
    def from_pretrained(
        cls, name_or_path: str, config: Any, *, local_files_only: bool = False, max_pixels: int | None = None
    ) -> "Processor":
        """The processor of a checkpoint in a folder or on the hub.

        Raises:
            OSError: the checkpoint lacks a tokenizer or the settings of preprocessing, or one cannot be read.
            TypeError, ValueError: as in the class; or a file holds JSON of another kind.
        """
        from transformers import AutoTokenizer

        adapter_class(config)
        files = CheckpointFiles(name_or_path, local_files_only)
        try:
            tokenizer = AutoTokenizer.from_pretrained(
                name_or_path, local_files_only=local_files_only, trust_remote_code=False
            )
        # What is JSON, but nothing of a tokenizer's, fails wherever transformers comes across it.
        except Exception as error:
            raise OSError(
                f"name_or_path: got {name_or_path!r} without a tokenizer that can be read ({first_line(error)}); "
                "expected a checkpoint with tokenizer.json and tokenizer_config.json"
            ) from error
        settings = files.settings()
        return cls(tokenizer, config, settings, files.template(tokenizer), max_pixels=max_pixels)

    def __call__(
        self,
        frames: UInt8[np.ndarray, "frames height width 3"],
        timestamps: Float[np.ndarray, "frames"],
        question: str,
        duration: float,
    ) -> Prompt:
        """A prompt with the frames before the question.

        Args:
            frames: RGB.
            timestamps: when each is shown, in seconds.
            question: in words.
            duration: of the clip, in seconds.

        Raises:
            TypeError: `frames` is not a uint8 array.
            ValueError: `frames` has the wrong shape, is empty, or too short for the model; the timestamps are not one a
                frame; the question is empty or holds the placeholder; the chat template cannot be filled in, or has no
                place for a video.
        """
        _check_clip(frames, timestamps, question)
        if self.adapter.modality == "image" and len(frames) < 2:
            raise ValueError(f"frames: got {len(frames)}; expected 2 or more for this model, to tell clips from images")
        made = self.adapter.preprocess(as_pixels(frames), self.settings)
        metadata = VideoMetadata([float(time) for time in timestamps], float(duration))
        ids = self._ids(question, self.adapter.video_text(made, metadata))
        inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
        if self.adapter.token_types:
            inputs["mm_token_type_ids"] = 2 * (ids == self.adapter.placeholder_id).int()
        inputs |= made.inputs | self.adapter.timing(made, metadata, self.settings)
        return Prompt(inputs, made.frames, made.grid)

    def _ids(self, question: str, video_text: str) -> Tensor:
        """Ids of the prompt [1, sequence], with `video_text` where the video is."""
        placeholder = self._placeholder
        video = placeholder if self.adapter.modality == "video" else self.adapter.named_token("video", "<video>")
        for token in {video, placeholder}:
            if token in question:
                raise ValueError(f"question: got {token!r} in it; expected words without the model's special tokens")
        try:
            text = self.adapter.prompt_text(self.template, question, video)
        except TemplateFailedError as error:
            raise ValueError(
                f"name_or_path: got a chat template that cannot be filled in ({first_line(error)}); expected one "
                "for messages with parts of type video and text"
            ) from error
        if text.count(video) != 1:
            raise ValueError(
                f"name_or_path: got a chat template that gives {video!r} {text.count(video)} times for a video; "
                "expected one that gives it once"
            )
        text = text.replace(video, video_text)
        bos = self.tokenizer.bos_token
        own = bos is not None and text.startswith(bos)
        ids = torch.tensor([self.tokenizer(text, add_special_tokens=not own)["input_ids"]], device="cpu")
        found, accepted = int((ids == self.adapter.placeholder_id).sum()), video_text.count(placeholder)
        if found != accepted:
            raise ValueError(
                f"name_or_path: got a tokenizer that reads {accepted} times {placeholder!r} as {found} "
                f"placeholders; expected one that has it as a special token"
            )
        return ids

    def _checked(self, max_pixels: int) -> int:
        if not self.adapter.sized:
            raise ValueError(
                f"max_pixels: got {max_pixels}; expected none for {self.adapter.class_name}, whose frames have one size"
            )
        token = (self.settings["patch_size"] * self.settings["merge_size"]) ** 2
        if max_pixels < token:
            raise ValueError(f"max_pixels: got {max_pixels}; expected {token} or more, those of one token")
        return max_pixels


class StockProcessor:
    """A processor of transformers, with the call of `Processor`.

    Args:
        processor: the checkpoint's, such as `AutoProcessor.from_pretrained` gives where torchvision is installed.
        config: the model's configuration.

    Raises:
        TypeError: the configuration is of no supported class, or the processor has no tokenizer.
    """

    def __init__(self, processor: Any, config: Any) -> None:
        if getattr(processor, "tokenizer", None) is None:
            found = type(processor).__name__
            raise TypeError(f"processor: got {found}; expected a processor of transformers with a tokenizer")
        self.processor = processor
        self.tokenizer = processor.tokenizer
        self.config = config
        self.adapter = adapter_class(config)(config, self.tokenizer)

    def __call__(
        self,
        frames: UInt8[np.ndarray, "frames height width 3"],
        timestamps: Float[np.ndarray, "frames"],
        question: str,
        duration: float,
    ) -> Prompt:
        """A prompt with the frames before the question, as `Processor` makes one.

        Raises:
            TypeError, ValueError: as in `Processor`; or the processor's prompt does not hold one video.
        """
        _check_clip(frames, timestamps, question)
        content = [{"type": "video"}, {"type": "text", "text": question}]
        text = self.processor.apply_chat_template([{"role": "user", "content": content}], add_generation_prompt=True)
        made = self.processor(
            text=[text],
            videos=[[as_pixels(frames)]],  # a row of videos for every prompt, which all releases take
            video_metadata=[transformers_metadata(timestamps, duration)],
            do_sample_frames=False,
            return_tensors="pt",
            **self.adapter.processor_options,
        )
        inputs = {name: torch.as_tensor(value, device="cpu") for name, value in made.items()}
        videos = self.adapter.videos(inputs)
        if len(videos) != 1:
            raise ValueError(f"processor: got {len(videos)} videos in its prompt; expected one")
        return Prompt(inputs, videos[0].frames, videos[0].grid)


def transformers_metadata(timestamps: Float[np.ndarray, "frames"], duration: float) -> Any:
    """Seconds as transformers' own VideoMetadata: with one frame a second, numbers of frames are seconds."""
    from transformers import video_utils

    kind: Any = video_utils.VideoMetadata  # typed for whole numbers of frames
    seconds = [float(time) for time in timestamps]
    return kind(total_num_frames=float(duration), fps=1.0, duration=float(duration), frames_indices=seconds)


def as_processor(processor: Any, config: Any) -> Processor | StockProcessor:
    """One of this package as it is, one of transformers in a `StockProcessor`."""
    return processor if isinstance(processor, Processor | StockProcessor) else StockProcessor(processor, config)


def _check_clip(frames: Any, timestamps: Any, question: str) -> None:
    check_frames(frames)
    if np.shape(timestamps) != (len(frames),):
        raise ValueError(f"timestamps: got shape {list(np.shape(timestamps))}; expected [{len(frames)}], one per frame")
    if not question.strip():
        raise ValueError(f"question: got {question!r}; expected words")
