"""A clip and a question as the inputs of a Video-LLM, by the checkpoint's own settings and chat template."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, UInt8
from jinja2 import TemplateError
from torch import Tensor

from infomerge.encoders.base import check_frames
from infomerge.models.families import FAMILIES
from infomerge.models.layouts import LAYOUTS, Footage, Pixels, Tokens
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


class Prompter:
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
        self._layout = LAYOUTS[class_of(config)]
        self._tokens = Tokens(tokenizer, config, self._layout.modality)
        given = {name: value for name, value in settings.items() if value is not None}
        for name in ("do_resize", "do_rescale", "do_normalize"):
            if not given.get(name, True):
                raise ValueError(f"{name} in the checkpoint's preprocessing: found {given[name]}; accepted is True")
        if given.get("cap_pixels_per_frame"):
            raise ValueError(
                "cap_pixels_per_frame in the checkpoint's preprocessing: found True; accepted is False, and max_pixels "
                "limits frames instead"
            )
        _check_kinds(given, self._layout.defaults)
        self.settings: dict[str, Any] = self._layout.settled(given)
        if max_pixels is not None:
            self.settings["most_pixels_a_frame"] = self._checked(max_pixels)

    @classmethod
    def from_pretrained(
        cls, name_or_path: str, config: Any, *, local_files_only: bool = False, max_pixels: int | None = None
    ) -> "Prompter":
        """The prompter of a checkpoint in a folder or on the hub.

        Raises:
            OSError: the checkpoint lacks a tokenizer or the settings of preprocessing, or one cannot be read.
            TypeError, ValueError: as in the class; or a file holds JSON of another kind.
        """
        from transformers import AutoTokenizer

        class_of(config)
        files = _Files(name_or_path, local_files_only)
        try:
            tokenizer = AutoTokenizer.from_pretrained(name_or_path, local_files_only=local_files_only)
        # What is JSON, but nothing of a tokenizer's, fails wherever transformers comes across it.
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise OSError(
                f"name_or_path: found {name_or_path!r} without a tokenizer that can be read ({first_line(error)}); "
                "accepted is a checkpoint with tokenizer.json and tokenizer_config.json"
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
        check_frames(frames)
        if np.shape(timestamps) != (len(frames),):
            raise ValueError(
                f"timestamps: found shape {list(np.shape(timestamps))}; accepted is [{len(frames)}], one a frame"
            )
        if not question.strip():
            raise ValueError(f"question: found {question!r}; accepted are words")
        if self._layout.modality == "image" and len(frames) < 2:
            raise ValueError(
                f"frames: found {len(frames)}; accepted are 2 or more for this model, to tell clips from images"
            )
        made = self._layout.pixels(as_pixels(frames), self.settings, self.config)
        footage = Footage([float(time) for time in timestamps], float(duration))
        ids = self._ids(question, made, self._layout.places(made, footage, self._tokens))
        inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
        if self._layout.token_types:
            inputs["mm_token_type_ids"] = 2 * (ids == self._tokens.place_id).int()
        inputs |= made.inputs | self._layout.timing(made, footage, self.settings)
        return Prompt(inputs, made.frames, made.grid)

    def _ids(self, question: str, made: Pixels, places: str) -> Tensor:
        """Ids of the prompt [1, sequence], with `places` where the video is."""
        video = self._tokens.place if self._layout.modality == "video" else self._tokens.named("video", "<video>")
        for token in {video, self._tokens.place}:
            if token in question:
                raise ValueError(
                    f"question: found {token!r} in it; accepted are words without the model's special tokens"
                )
        try:
            text = self._layout.prompt(self.tokenizer, self.template, question, video)
        except (TemplateError, TypeError) as error:  # the second of templates that add words to a list of parts
            raise ValueError(
                f"name_or_path: found a chat template that cannot be filled in ({first_line(error)}); accepted is one "
                "for messages with parts of type video and text"
            ) from error
        if text.count(video) != 1:
            raise ValueError(
                f"name_or_path: found a chat template that gives {video!r} {text.count(video)} times for a video; "
                "accepted is one that gives it once"
            )
        text = text.replace(video, places)
        bos = self.tokenizer.bos_token
        own = bos is not None and text.startswith(bos)
        ids = torch.tensor([self.tokenizer(text, add_special_tokens=not own)["input_ids"]])
        found, accepted = int((ids == self._tokens.place_id).sum()), places.count(self._tokens.place)
        if found != accepted:
            raise ValueError(
                f"name_or_path: found a tokenizer that reads {accepted} times {self._tokens.place!r} as {found} "
                f"placeholders; accepted is one that has it as a special token"
            )
        return ids

    def _checked(self, max_pixels: int) -> int:
        if not self._layout.sized:
            raise ValueError(
                f"max_pixels: found {max_pixels}; accepted is none for {class_of(self.config)}, whose frames have one "
                "size"
            )
        token = (self.settings["patch_size"] * self.settings["merge_size"]) ** 2
        if max_pixels < token:
            raise ValueError(f"max_pixels: found {max_pixels}; accepted are {token} or more, those of one token")
        return max_pixels


def class_of(config: Any) -> str:
    """The supported class of transformers that a configuration is for.

    Raises:
        TypeError: there is none.
    """
    name = f"{type(config).__name__.removesuffix('Config')}ForConditionalGeneration"
    if name not in FAMILIES:
        raise TypeError(f"model: found a {type(config).__name__}; accepted are those of {', '.join(FAMILIES)}")
    return name


def first_line(error: Exception) -> str:
    """The first line of what an error says, or its name."""
    return next(iter(str(error).splitlines()), type(error).__name__)


class _Files:
    """The JSON files of a checkpoint, in a folder or on the hub."""

    def __init__(self, name_or_path: str, local_files_only: bool) -> None:
        self._name = name_or_path
        self._local = local_files_only

    def settings(self) -> dict[str, Any]:
        """Settings of preprocessing: a video processor's before an image processor's, as transformers reads them."""
        whole = self._read("processor_config.json")
        if whole is not None and "video_processor" in whole:
            return _checked_object(whole["video_processor"], "video_processor of processor_config.json")
        for name in ("video_preprocessor_config.json", "preprocessor_config.json"):
            if (settings := self._read(name)) is not None:
                return settings
        raise OSError(
            f"name_or_path: found {self._name!r} without settings of preprocessing; accepted is a checkpoint with "
            "video_preprocessor_config.json, preprocessor_config.json, or a video_processor in processor_config.json"
        )

    def template(self, tokenizer: Any) -> str | None:
        """The chat template of the processor, or else of the tokenizer."""
        for name in ("processor_config.json", "chat_template.json"):
            if (found := (self._read(name) or {}).get("chat_template")) is not None:
                return str(found)
        own = tokenizer.chat_template
        return own.get("default") if isinstance(own, dict) else own

    def _read(self, name: str) -> dict[str, Any] | None:
        from transformers.utils.hub import cached_file

        path = cached_file(
            self._name,
            name,
            local_files_only=self._local,
            _raise_exceptions_for_missing_entries=False,
            _raise_exceptions_for_connection_errors=False,
        )
        if path is None:
            return None
        try:
            found = json.loads(Path(path).read_text(encoding="utf-8"))
        except ValueError as error:
            raise OSError(
                f"name_or_path: found {str(path)!r}, which is not JSON ({error}); accepted is JSON"
            ) from error
        return _checked_object(found, name)


def _checked_object(found: Any, name: str) -> dict[str, Any]:
    if not isinstance(found, dict):
        raise ValueError(f"name_or_path: found {found!r:.99} as {name}; accepted is a JSON object")
    return found


def _check_kinds(settings: Mapping[str, Any], used: Mapping[str, Any]) -> None:
    """Refuse settings that cannot be worked with, by their names. Numbers are read only where they are used."""
    of = " in the checkpoint's preprocessing:"
    for name in ("size", "max_image_size", "video_sampling"):
        if not isinstance(settings.get(name, {}), Mapping):
            raise ValueError(f"{name}{of} found {settings[name]!r}; accepted is an object with sides in pixels")
    for name in ("rescale_factor", "patch_size", "merge_size", "temporal_patch_size"):
        if name in used and not isinstance(settings.get(name, 1), int | float):
            raise ValueError(f"{name}{of} found {settings[name]!r}; accepted is a number")
    for name in ("image_mean", "image_std"):
        match settings.get(name, (0, 0, 0)):
            case [int() | float(), int() | float(), int() | float()]:
                continue
        raise ValueError(f"{name}{of} found {settings[name]!r}; accepted are 3 numbers")
