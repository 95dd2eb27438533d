"""What a family of Video-LLMs has of its own, in one class: an adapter, bound to one model or to its configuration.

All families encode images and videos to rows of visual features, which take the places of placeholder ids in the
prompt, one after the other. An adapter says which of these rows are the tokens of a video, frame by frame, how the
attention of the vision tower is brought to the same grid, how frames become pixels and text, and what a tiny model of
the family is made of. Nothing else in the package knows one family from another.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, ClassVar, Literal

import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from infomerge.encoders.attention import probe_attention, recorded_attention, recorded_input
from infomerge.methods.method import Need
from infomerge.models import pixels
from infomerge.models.adapters.tiny import TinyModel
from infomerge.models.chat_template import filled_in

SUFFIX = "ForConditionalGeneration"


@dataclass(frozen=True)
class VideoRows:
    """The rows of visual features that are one video's tokens: frame after frame, row-major within a frame."""

    start: int
    """Number of the first of them among all rows of the modality."""
    frames: int
    grid: tuple[int, int]
    """Rows and columns of positions."""

    @property
    def tokens_per_frame(self) -> int:
        """Positions of the grid."""
        return math.prod(self.grid)

    @property
    def end(self) -> int:
        """Number of the row after the last."""
        return self.start + self.frames * self.tokens_per_frame


@dataclass
class Attention:
    """What a tower's attention and its pooling said while it encoded."""

    source: str | None
    """Whose attention it is; None where the features come from no attention."""
    received: list[Float[Tensor, "_ _"]]
    """Of each call of the attention module, or of each input of the pooling head."""
    pooled: list[Float[Tensor, "_ features"]] = field(default_factory=list)
    """Global features of frames, of each call of the pooling; none where the tower has none."""


@dataclass(frozen=True, eq=False)
class ProcessedFrames:
    """The frames as a tower takes them, and the tokens that come of them."""

    inputs: dict[str, Tensor]
    frames: int
    """As the model's tokens count them: some models merge two in time."""
    grid: tuple[int, int]


@dataclass(frozen=True)
class VideoMetadata:
    """What a prompt says about a clip beside its pixels."""

    timestamps: list[float]
    """When each frame is shown, in seconds."""
    duration: float
    """In seconds."""


class VideoAdapter(ABC):
    """One class of Video-LLM.

    A subclass sets `class_name`, `defaults` and `tiny`, and has `videos`, `attention`, `saliency`, `preprocess` and
    `video_text`. Everything else has a default that most families share. docs/adding_a_model.md shows one.

    Args:
        model_or_config: the model, or its configuration where prompts alone are made.
        tokenizer: of the checkpoint. Prompts need it, and so do calls of models that are handed frames as images.
    """

    class_name: ClassVar[str]
    """Name of the class of transformers."""
    config_name: ClassVar[str] = ""
    """Name of its configuration's class; without it, as transformers forms it from `class_name`."""
    lmms_eval_names: ClassVar[Mapping[str, tuple[str, ...]]] = MappingProxyType({})
    """Models of lmms-eval that run the class, and which of their two classes ("simple", "chat") can be wrapped."""
    tiny: ClassVar[TinyModel]
    """A model of a few thousand weights."""
    demo: ClassVar[TinyModel | None] = None
    """One with as many tokens per frame as a real one, where that is not too slow on a laptop."""

    modality: ClassVar[Literal["video", "image"]] = "video"
    """Which placeholders stand for the tokens of a video."""
    defaults: ClassVar[Mapping[str, Any]]
    """Settings of preprocessing where the checkpoint has none: those of the class's video processor in transformers."""
    sized: ClassVar[bool] = False
    """Whether frames keep their shape, so that their number of pixels can be limited."""
    token_types: ClassVar[bool] = False
    """Whether the model is told which ids are placeholders."""
    gives: ClassVar[tuple[Need, ...]] = ()
    """What it can hand to methods that need more than tokens; with "layers" it has `watched_layers` and `layers`."""
    processor_options: ClassVar[Mapping[str, Any]] = MappingProxyType({})
    """What transformers' own processor is told, so that the model is given every token."""

    def __init__(self, model_or_config: Any, tokenizer: Any = None) -> None:
        self.model = model_or_config if isinstance(model_or_config, nn.Module) else None
        self.config: Any = getattr(model_or_config, "config", model_or_config)
        self.tokenizer = tokenizer

    # --- the model ----------------------------------------------------------------------------------------------------

    @classmethod
    def model_class(cls) -> Any:
        """The class of the models, by which checkpoints are loaded and tiny models are made."""
        import transformers

        return getattr(transformers, cls.class_name)

    @property
    def base_model(self) -> Any:
        """The model below its head: tower, projector and language model."""
        return self.model.base_model  # type: ignore[union-attr]  # adapters of configurations make prompts alone

    @property
    def text_model(self) -> Any:
        """The language model inside."""
        return self.base_model.language_model

    def ready(self) -> None:  # noqa: B027  most families need nothing
        """Get what calls will need, when the adapter is attached.

        Raises:
            ValueError: it is not to be had.
        """

    # --- the calls ----------------------------------------------------------------------------------------------------

    @abstractmethod
    def videos(self, inputs: Mapping[str, Any]) -> list[VideoRows]:
        """Where the tokens of each video lie among the rows of features; none where the call has no video.

        Args:
            inputs: the call's arguments by name.

        Raises:
            ValueError: there is a video that cannot be compressed, or it cannot be told whether there is one.
        """

    @abstractmethod
    def attention(self, inputs: Mapping[str, Any]) -> Any:
        """The attention module of the block that the features come from, or None."""

    @property
    def has_cls(self) -> bool:
        """Whether the tower's first token is [CLS], whose attention is then taken alone."""
        return False

    @property
    def pooling_head(self) -> Any:
        """The pooling head of the tower, whose attention is preferred, or None."""
        return None

    @property
    def frame_pooling(self) -> Any:
        """The module of the tower that makes one global feature a frame (g_l of eq. 22), or None."""
        return self.pooling_head

    @contextmanager
    def watched(self, inputs: Mapping[str, Any]) -> Iterator[Attention]:
        """Attention and pooling of the tower, whichever it has, for what is encoded inside the block."""
        head, attention, pooling = self.pooling_head, self.attention(inputs), self.frame_pooling
        watched = Attention(None, [])
        with ExitStack() as stack:
            pooled_of = None if pooling is None else stack.enter_context(recorded_input(pooling))
            if head is not None:
                watched = Attention("attention of the pooling head", stack.enter_context(recorded_input(head)))
            elif attention is not None:
                source = f"attention of {'[CLS]' if self.has_cls else 'all tokens'} in the block that the features come"
                received = stack.enter_context(recorded_attention(attention, self.has_cls))
                watched = Attention(f"{source} from", received)
            yield watched
        with torch.no_grad():
            if head is not None:
                watched.received = [probe_attention(head, states) for states in watched.received]
            if pooled_of is not None:
                watched.pooled = [pooling(states) for states in pooled_of]

    @abstractmethod
    def saliency(
        self, inputs: Mapping[str, Any], received: list[Tensor], videos: Sequence[VideoRows]
    ) -> list[Float[Tensor, "_ _"]]:
        """The attention received, [frames, positions] for each video."""

    @contextmanager
    def watched_layers(self, inputs: Mapping[str, Any]) -> Iterator[list[list[Tensor]]]:
        """Hidden states of the tower's layers for what is encoded inside the block, of each layer a list of calls."""
        raise NotImplementedError
        yield

    def layers(
        self, states: Sequence[list[Tensor]], videos: Sequence[VideoRows]
    ) -> list[Float[Tensor, "layers _ _ hidden"]]:
        """These states at the positions of the tokens, [layers, frames, positions, hidden] for each video."""
        raise NotImplementedError

    def pooled_output(self, rows: list[Tensor]) -> Any:
        """Rows of visual features in the form that the model's `forward` reads."""
        return tuple(rows)

    def chosen_block(self, blocks: Any, inputs: Mapping[str, Any]) -> Any:
        """The block of a tower that the features come from by `vision_feature_layer`, or None for its embeddings."""
        chosen = inputs.get("vision_feature_layer")
        chosen = self.config.vision_feature_layer if chosen is None else chosen
        # Entry 0 of the hidden states is the embedding, so that entry l comes from block l - 1.
        number = (chosen if isinstance(chosen, int) else chosen[-1]) % (len(blocks) + 1) - 1
        return blocks[number] if number >= 0 else None

    # --- the prompts --------------------------------------------------------------------------------------------------

    def settled(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """The checkpoint's settings, with the defaults for what it leaves out."""
        return {**self.defaults, **given}

    @abstractmethod
    def preprocess(
        self, frames: UInt8[Tensor, "frames 3 height width"], settings: Mapping[str, Any]
    ) -> ProcessedFrames:
        """Resize, crop, normalize and cut the frames."""

    @abstractmethod
    def video_text(self, made: ProcessedFrames, metadata: VideoMetadata) -> str:
        """The text that takes the place of the video in the prompt, with a placeholder for each token."""

    def timing(self, made: ProcessedFrames, metadata: VideoMetadata, settings: Mapping[str, Any]) -> dict[str, Tensor]:
        """Arguments that tell the model about time."""
        return {}

    def prompt_text(self, template: str | None, question: str, video: str) -> str:
        """The conversation of one question, with `video` where the video is."""
        if template is None:
            raise ValueError(
                "name_or_path: got no chat template; expected a checkpoint with chat_template.jinja, "
                "chat_template.json, or one in its tokenizer_config.json"
            )
        content = [{"type": "video"}, {"type": "text", "text": question}]
        return filled_in(template, [{"role": "user", "content": content}], self.tokenizer.special_tokens_map)

    @property
    def placeholder_id(self) -> int:
        """Id of the placeholder of one token of a video."""
        return int(getattr(self.config, f"{self.modality}_token_id"))

    @property
    def placeholder_token(self) -> str:
        """The placeholder as text.

        Raises:
            ValueError: the tokenizer has no such token.
        """
        size = len(self.tokenizer)
        token = self.tokenizer.convert_ids_to_tokens(self.placeholder_id) if self.placeholder_id < size else None
        if token is None:
            raise ValueError(
                f"name_or_path: got a tokenizer of {size} tokens; expected one with token {self.placeholder_id}, "
                f"the {self.modality}_token_id of config.json"
            )
        return str(token)

    def named_token(self, role: str, usual: str) -> str:
        """The token of a role such as "vision_start": the tokenizer's own name for it, or the usual one."""
        token: str = getattr(self.tokenizer, f"{role}_token", None) or usual
        return token

    def check_size(self, frames: UInt8[Tensor, "frames 3 rows columns"]) -> None:
        """Refuse frames that the tower was not made for: it fails on them, or their tokens are not a video's.

        Raises:
            ValueError: their size is not the tower's.
        """
        size = self.config.vision_config.image_size
        accepted = tuple(size) if isinstance(size, Sequence) else (size, size)
        if frames.shape[2:] != accepted:
            found = " x ".join(str(side) for side in frames.shape[2:])
            raise ValueError(
                f"size in the checkpoint's preprocessing: got one that makes frames of {found}; expected "
                f"{' x '.join(map(str, accepted))}, the vision tower's image_size"
            )

    def squares(
        self, frames: UInt8[Tensor, "frames 3 height width"], settings: Mapping[str, Any]
    ) -> Float[Tensor, "frames 3 rows columns"]:
        """Frames resized to one size, cropped where the settings say so, and normalized."""
        height, width = frames.shape[2:]
        size = settings["size"]
        match size:
            case {"height": int(rows), "width": int(columns)}:
                target = (rows, columns)
            case {"shortest_edge": int(side)}:
                target = pixels.shortest_side(height, width, side)
            case _:
                raise ValueError(
                    f"size in the checkpoint's preprocessing: got {size}; expected height and width, and shortest_edge"
                )
        frames = pixels.resized(frames, target, settings["resample"])
        if settings.get("do_center_crop"):
            frames = pixels.cropped(frames, settings.get("crop_size"))
        self.check_size(frames)
        return pixels.normalized(frames, settings)

    # --- tiny models --------------------------------------------------------------------------------------------------

    @classmethod
    def tiny_config(cls, ids: Mapping[str, int], tiny: TinyModel | None = None, **text: Any) -> Any:
        """The configuration of a tiny model.

        Args:
            ids: of the special tokens of `tiny`.
            tiny: `tiny` of the class, or its `demo`.
            text: arguments of the language model's configuration, such as `vocab_size`.
        """
        return cls.model_class().config_class(**(tiny or cls.tiny).arguments(ids, **text))


def mean_per_tile(patches: Float[Tensor, "tiles patches"], side: int) -> Float[Tensor, "tiles tokens"]:
    """Means over the squares of patches that become one token each, of a grid of `side` x `side` tokens."""
    full = math.isqrt(patches.shape[1])
    stride = full // side
    return torch.nn.functional.avg_pool2d(patches.view(-1, 1, full, full), stride, stride).flatten(1)
