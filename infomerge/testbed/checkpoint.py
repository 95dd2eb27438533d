"""A trained checkpoint of the testbed: it encodes clips as the adapter does, and answers questions about them."""

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from infomerge.compression import Compression
from infomerge.encoders.attention import recorded_attention
from infomerge.models import load
from infomerge.models.adapters import adapter_class
from infomerge.resources import data_file
from infomerge.testbed.reading import answer_probabilities
from infomerge.testbed.vocabulary import ANSWERS
from infomerge.video import Question

Checkpoint = Literal["subsets", "merges"]
CHECKPOINTS: Mapping[Checkpoint, str] = MappingProxyType(
    {
        "subsets": "trained on subsets of a clip's tokens, each as the projector made it; this favours pruning",
        "merges": "which went on with random groups of tokens averaged into one",
    }
)
"""The checkpoints that ship, with how each was trained. None ever saw what a method keeps."""

Saliency = Literal["head", "last_block", "distance"]
SALIENCY: Mapping[Saliency, str] = MappingProxyType(
    {
        "head": "attention of the pooling head",
        "last_block": "attention of all tokens in the last block",
        "distance": "distance from the frame's mean token",
    }
)
"""What the saliency of a token may be."""


@dataclass(frozen=True, eq=False)
class SeenClip:
    """A clip as the model sees it."""

    tokens: Float[Tensor, "frames positions channels"]
    """At the projector's end, float32."""
    saliency: Mapping[str, Float[Tensor, "frames positions"] | None]
    """By the names in `SALIENCY`; None stands for what `compress` takes without one."""
    frame_features: Float[Tensor, "frames features"]
    """What the pooling head makes of each frame."""
    layers: Float[Tensor, "layers frames positions hidden"]
    """The tower's hidden states, from its embeddings to its last block, on the grid of the tokens."""

    def cpu(self) -> "SeenClip":
        """The same in main memory."""
        maps = {name: None if values is None else values.cpu() for name, values in self.saliency.items()}
        return SeenClip(self.tokens.cpu(), MappingProxyType(maps), self.frame_features.cpu(), self.layers.cpu())


@dataclass(frozen=True, eq=False)
class Testbed:
    """One checkpoint, loaded; `load_testbed` makes it."""

    name: str
    model: Any
    """`LlavaOnevisionForConditionalGeneration` in float32."""
    processor: Any
    """Makes prompts, as `infomerge.models.load` gives it."""

    # pytest would take the name for a test's.
    __test__ = False

    @torch.inference_mode()
    def see(self, frames: UInt8[Any, "frames height width 3"]) -> SeenClip:
        """Encode frames by the same calls that the adapter watches when the model is attached to."""
        adapter = adapter_class(self.model.config)(self.model, self.processor.tokenizer)
        pixels = torch.from_numpy(frames).permute(0, 3, 1, 2)
        made = adapter.preprocess(pixels, self.processor.settings)
        inputs = {name: value.to(self.model.device) for name, value in made.inputs.items()}
        last = adapter.attention(inputs)
        with adapter.watched(inputs) as watched, recorded_attention(last, from_cls=False) as received:
            output = self.model.model.get_video_features(
                **inputs,
                vision_feature_layer=self.model.config.vision_feature_layer,
                vision_feature_select_strategy=self.model.config.vision_feature_select_strategy,
                output_hidden_states=True,
                return_dict=True,
            )
        videos = adapter.videos(inputs)
        rows = output.pooler_output[0]
        tokens = rows[: videos[0].end].view(videos[0].frames, videos[0].tokens_per_frame, -1)
        maps = [adapter.saliency(inputs, list(part), videos)[0] for part in (watched.received, received)]
        saliency = {"head": maps[0], "last_block": maps[1], "distance": None}
        layers = torch.stack([self.model.model.apply_pooling(states) for states in output.hidden_states])
        return SeenClip(tokens, MappingProxyType(saliency), torch.cat(watched.pooled), layers)

    def probabilities(self, compression: Compression, asked: Sequence[Question]) -> Float[Tensor, "questions answers"]:
        """How probable each of `ANSWERS` is after each question, from the kept tokens of a clip alone."""
        return self.read(compression.tokens, compression.index, compression.assignment.numel(), asked)

    def read(
        self,
        tokens: Float[Tensor, "kept channels"],
        places: Int[Tensor, "kept"],
        total: int,
        asked: Sequence[Question],
    ) -> Float[Tensor, "questions answers"]:
        """The same for tokens at any places of a clip with `total` tokens."""
        tokens = tokens.to(self.model.device, torch.float32)
        return answer_probabilities(self.model, self.processor.tokenizer, tokens, places, total, asked)


def answers_of(probabilities: Float[Tensor, "questions answers"], asked: Sequence[Question]) -> list[str]:
    """The most probable word of `ANSWERS` for each question, the first of equals."""
    return [ANSWERS[int(row.argmax())] for row in probabilities[: len(asked)]]


def load_testbed(name: str = "subsets", device: str = "cpu", folder: Path | str | None = None) -> Testbed:
    """Load a checkpoint that ships with the package, or one of the same kind from a folder.

    Args:
        name: of `CHECKPOINTS`; a mere label where a folder is given.
        device: where the model is put.
        folder: what `benchmarks.train_testbed` wrote.

    Raises:
        ValueError: the name is unknown.
        OSError: the folder cannot be read.
    """
    if folder is None and name not in CHECKPOINTS:
        raise ValueError(f"name: got {name!r}; expected {' or '.join(map(repr, CHECKPOINTS))}")
    if folder is None:
        return _shipped(name, device)
    return _loaded(name, device, Path(folder))


@functools.lru_cache(maxsize=2)
def _shipped(name: str, device: str) -> Testbed:
    return _loaded(name, device, data_file(f"testbed/{name}"))


def _loaded(name: str, device: str, folder: Path) -> Testbed:
    model, processor = load(str(folder), device=device, dtype=torch.float32)
    return Testbed(name, model, processor)
