"""What SmolVLM and InternVL share: a video is handed over as a row of images, each after a caption.

Nothing but the text of the prompt says that images are frames. So calls need the checkpoint's tokenizer: it is handed
to `attach`, alone or as a part of a processor, or found through the model's `name_or_path`. The text between two images
is decoded and must be the caption that the class's own processor writes. Images stay images, unless someone writes
these very captions by hand.
"""

import itertools
import math
import re
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from infomerge.models.adapters.base import VideoAdapter, VideoRows, mean_per_tile


@dataclass(frozen=True)
class _Run:
    """Placeholders that follow each other at once."""

    length: int
    number: int
    """Placeholders of the prompt before it."""
    before: tuple[int, ...]
    """All ids between the last run, or the start of the prompt, and this one."""
    after: int | None
    """The id after it."""


class FramesAsImagesAdapter(VideoAdapter):
    """A video is at least two images of one tile each, with captions that count on from one to the next."""

    modality = "image"

    marks: ClassVar[int]
    """Special tokens between a caption and the placeholders; one more closes them."""
    first_caption: ClassVar[re.Pattern[str]]
    """What the text before the first frame ends with."""
    next_caption: ClassVar[re.Pattern[str]]
    """All of the text between two frames."""

    @property
    @abstractmethod
    def tokens_per_tile(self) -> int:
        """Tokens of one image of one tile, from the configuration."""

    def counts_on(self, captions: Sequence[re.Match[str]], caption: re.Match[str]) -> bool:
        """Whether a caption is the one after others of the same video."""
        return True

    def ready(self) -> None:
        if self.tokenizer is None:
            self.tokenizer = self._found_tokenizer()

    def _found_tokenizer(self) -> Any:
        """The tokenizer of the checkpoint that the model was loaded from. Nothing is fetched."""
        from transformers import AutoTokenizer

        name = getattr(self.model, "name_or_path", "")
        reason = "which says not where it was loaded from"
        if name:
            try:
                return AutoTokenizer.from_pretrained(name, local_files_only=True, trust_remote_code=False)
            except (OSError, ValueError, TypeError, KeyError, AttributeError):
                reason = f"and none that can be read in {name!r}"
        raise ValueError(
            f"tokenizer: got none beside a {type(self.model).__name__}, {reason}; expected "
            "attach(model, ..., tokenizer=...) and processor=..., as the text of a prompt alone tells this model's "
            "frames from images"
        )

    def videos(self, inputs: Mapping[str, Any]) -> list[VideoRows]:
        if inputs.get("pixel_values") is None:
            return []
        if inputs.get("input_ids") is None:
            raise ValueError(
                "input_ids: got none beside pixels; expected the prompt's ids, which tell frames from images"
            )
        side = math.isqrt(self.tokens_per_tile)
        videos, before = [], 0
        for row in inputs["input_ids"].tolist():
            for frames in self._clips(list(_runs(row, self.placeholder_id))):
                videos.append(VideoRows(before + frames[0].number, len(frames), (side, side)))
            before += row.count(self.placeholder_id)
        return videos

    def _clips(self, runs: Sequence[_Run]) -> list[list[_Run]]:
        """The videos among the images of one prompt, as their frames."""
        clips: list[list[_Run]] = []
        captions: list[re.Match[str]] = []
        tiles = [run.length == self.tokens_per_tile for run in runs]
        for number, run in enumerate(runs):
            # What stands alone cannot be a frame, and its text need not be read.
            if not tiles[number] or not any(tiles[max(number - 1, 0) : number] + tiles[number + 1 : number + 2]):
                captions = []
                continue
            following = self._next(clips[-1], captions, run) if captions else None
            if following is not None:
                clips[-1].append(run)
                captions.append(following)
                continue
            opening = self.first_caption.search(self._text(run.before[: -self.marks]))
            captions = [] if opening is None else [opening]
            if opening is not None:
                clips.append([run])
        return [clip for clip in clips if len(clip) > 1]

    def _next(self, frames: Sequence[_Run], captions: Sequence[re.Match[str]], run: _Run) -> re.Match[str] | None:
        """The caption of a run, if it is the one after some frames."""
        first = frames[0]
        if (run.before[-self.marks :], run.after) != (first.before[-self.marks :], first.after):
            return None
        caption = self.next_caption.fullmatch(self._text(run.before[1 : -self.marks]))
        return caption if caption is not None and self.counts_on(captions, caption) else None

    def _text(self, ids: Sequence[int]) -> str:
        if self.tokenizer is None:
            self.ready()
        text: str = self.tokenizer.decode(list(ids), skip_special_tokens=False, clean_up_tokenization_spaces=False)
        return text

    def saliency(
        self, inputs: Mapping[str, Any], received: list[Tensor], videos: Sequence[VideoRows]
    ) -> list[Float[Tensor, "_ _"]]:
        patches = torch.cat(received)[:, int(self.has_cls) :]
        tiles = mean_per_tile(patches, math.isqrt(self.tokens_per_tile))
        return [tiles.flatten()[video.start : video.end].view(video.frames, -1) for video in videos]


def _runs(row: list[int], token: int) -> Iterator[_Run]:
    column, number = 0, 0
    before: tuple[int, ...] = ()
    for is_placeholder, group in itertools.groupby(row, lambda value: value == token):
        part = tuple(group)
        column += len(part)
        if is_placeholder:
            yield _Run(len(part), number, before, row[column] if column < len(row) else None)
            number += len(part)
        before = () if is_placeholder else part
