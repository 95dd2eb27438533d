"""Stock Video-LLMs of transformers with random weights, small enough to run a hundred times, and prompts for them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

VOCABULARY = 128
PAD, VIDEO, IMAGE, START, END, GLOBAL, NEWLINE = 0, 120, 121, 122, 123, 124, 10
# Ids of captions: the digits, ':', ' ', 'Frame' and ' from'.
ZERO, COLON, SPACE, FRAME, FROM = 100, 110, 111, 112, 113
TEXT = {
    "vocab_size": VOCABULARY,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "pad_token_id": PAD,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "max_position_embeddings": 4096,
}


@dataclass
class Prompt:
    """Ids of one prompt, the videos and images in it in order, and what is needed to make pixels for them."""

    ids: list[int]
    videos: list[int]
    """Frames of each."""
    images: int = 0


@dataclass(frozen=True)
class Kind:
    """One class, how to build it, and how its prompts look."""

    name: str
    build: Callable[..., Any]
    visual: Callable[[int], list[int]]
    """Ids of a video of so many frames."""
    picture: list[int]
    """Ids of one image."""
    pixels: Callable[[Any, list[Prompt], torch.Generator], dict[str, Any]]
    positions: int
    """Tokens a frame."""
    frames_per_token: int = 1
    unequal: bool = True
    """Whether videos of one batch may have different numbers of frames."""

    def prompt(self, *parts: int | str, question: int = 3) -> Prompt:
        """A prompt of videos (numbers of frames), images ("image") and words."""
        ids, videos, images = [1, 5, 6], [], 0
        for number, part in enumerate(parts):
            if part == "image":
                ids += self.picture
                images += 1
            else:
                ids += self.visual(int(part))
                videos.append(int(part))
            ids += [30 + number, 31]
        return Prompt(ids + [40 + word for word in range(question)], videos, images)

    def inputs(self, model: Any, *prompts: Prompt, seed: int = 0) -> dict[str, Any]:
        """A left-padded batch."""
        width = max(len(prompt.ids) for prompt in prompts)
        rows = [[PAD] * (width - len(prompt.ids)) + prompt.ids for prompt in prompts]
        ids = torch.tensor(rows)
        mask = torch.tensor([[0] * (width - len(p.ids)) + [1] * len(p.ids) for p in prompts])
        generator = torch.Generator().manual_seed(seed)
        made = self.pixels(model, list(prompts), generator)
        if self.name.startswith("Qwen"):
            made["mm_token_type_ids"] = (ids == IMAGE).int() + 2 * (ids == VIDEO).int()
        return {"input_ids": ids, "attention_mask": mask, **made}


def noise(generator: torch.Generator, *shape: int) -> Tensor:
    """Pixels, or patches of them, that change slowly from one to the next along the first dimension."""
    steps = torch.randn(*shape, generator=generator)
    return steps.cumsum(dim=0) * 0.3 + steps


def _digits(number: int, width: int = 1) -> list[int]:
    return [ZERO + int(digit) for digit in f"{number:0{width}d}"]


def _duration(seconds: int) -> list[int]:
    """What opens a video of SmolVLM, such as '0:00:08'."""
    hours, rest = divmod(seconds, 3600)
    return [*_digits(hours), COLON, *_digits(rest // 60, 2), COLON, *_digits(rest % 60, 2)]


def _clock(second: int) -> list[int]:
    """The caption of SmolVLM, such as 'Frame from 00:07:' on a new line."""
    minutes, seconds = _digits(second // 60, 2), _digits(second % 60, 2)
    return [NEWLINE, FRAME, FROM, SPACE, *minutes, COLON, *seconds, COLON]


def _number(frame: int) -> list[int]:
    """The caption of InternVL, such as 'Frame7: ' on a new line."""
    return [NEWLINE, FRAME, *_digits(frame), COLON, SPACE]


def _cat(parts: list[Tensor]) -> Tensor:
    return torch.cat(parts)


def _llava_pixels(model: Any, prompts: list[Prompt], generator: torch.Generator) -> dict[str, Any]:
    size = model.config.vision_config.image_size
    made: dict[str, Any] = {}
    videos = [frames for prompt in prompts for frames in prompt.videos]
    if videos:
        made["pixel_values_videos"] = torch.stack([noise(generator, frames, 3, size, size) for frames in videos])
    images = sum(prompt.images for prompt in prompts)
    if images:
        made["pixel_values"] = noise(generator, images, 2, 3, size, size)
        made["image_sizes"] = torch.tensor([[size, size]] * images)
    return made


def _grid_pixels(side: int, merge: int, channels: int, temporal: int) -> Callable[..., dict[str, Any]]:
    def pixels(model: Any, prompts: list[Prompt], generator: torch.Generator) -> dict[str, Any]:
        made: dict[str, Any] = {}
        videos = [frames // temporal for prompt in prompts for frames in prompt.videos]
        if videos:
            made["pixel_values_videos"] = _cat([noise(generator, steps * side**2, channels) for steps in videos])
            made["video_grid_thw"] = torch.tensor([[steps, side, side] for steps in videos])
        images = sum(prompt.images for prompt in prompts)
        if images:
            made["pixel_values"] = noise(generator, images * side**2, channels)
            made["image_grid_thw"] = torch.tensor([[1, side, side]] * images)
        if temporal == 1:  # VideoLLaMA 3 is told its merging
            made |= {"video_merge_sizes": torch.tensor([merge] * len(videos))} if videos else {}
            made |= {"image_merge_sizes": torch.tensor([merge] * images)} if images else {}
        return made

    return pixels


def _frame_pixels(model: Any, prompts: list[Prompt], generator: torch.Generator) -> dict[str, Any]:
    """Frames and images in the order of the prompts: images of two tiles, frames of one."""
    size = model.config.vision_config.image_size
    size = size if isinstance(size, int) else size[0]
    rows = []
    for prompt in prompts:
        count = sum(prompt.videos) + 2 * prompt.images
        if count:
            rows.append(noise(generator, count, 3, size, size))
    if not rows:
        return {}
    if "SmolVLM" in type(model).__name__:
        most = max(len(row) for row in rows)
        return {
            "pixel_values": torch.stack(
                [torch.cat([row, row.new_zeros(most - len(row), 3, size, size)]) for row in rows]
            )
        }
    return {"pixel_values": _cat(rows)}


def _build(class_name: str, config_class: str, **options: Any) -> Callable[..., Any]:
    def build(seed: int = 0, attention: str = "sdpa", **more: Any) -> Any:
        import transformers

        config = getattr(transformers, config_class)(**_merged(options, more))
        config._attn_implementation = attention
        torch.manual_seed(seed)
        model = getattr(transformers, class_name)._from_config(config, attn_implementation=attention)
        return _spread(model.eval().float())

    return build


def _merged(options: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    """Options with some changed, those of nested configurations too."""
    result = {name: dict(value) if isinstance(value, dict) else value for name, value in options.items()}
    for name, value in more.items():
        result[name] = {**result[name], **value} if isinstance(value, dict) else value
    return result


def _spread(model: Any) -> Any:
    """Larger weights than a fresh model's: what it says then depends visibly on what it sees."""
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if weight.ndim >= 2 and "embed_tokens" not in name:
                weight.mul_(4)
    return model


_SIGLIP = {
    "model_type": "siglip_vision_model",
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "image_size": 48,
    "patch_size": 8,
}

LLAVA_ONEVISION = Kind(
    "LlavaOnevision",
    _build(
        "LlavaOnevisionForConditionalGeneration",
        "LlavaOnevisionConfig",
        vision_config=_SIGLIP | {"vision_use_head": False},
        text_config={"model_type": "qwen2", **TEXT},
        image_token_id=IMAGE,
        video_token_id=VIDEO,
        vision_feature_layer=-1,
        vision_feature_select_strategy="full",
        image_grid_pinpoints=[[48, 48]],
    ),
    visual=lambda frames: [VIDEO] * (9 * frames + 1),
    picture=[IMAGE] * (36 + 6 * 7),
    pixels=_llava_pixels,
    positions=9,
    unequal=False,
)

LLAVA_NEXT_VIDEO = Kind(
    "LlavaNextVideo",
    _build(
        "LlavaNextVideoForConditionalGeneration",
        "LlavaNextVideoConfig",
        vision_config=_SIGLIP | {"model_type": "clip_vision_model", "projection_dim": 32},
        text_config={"model_type": "llama", **TEXT},
        image_token_id=IMAGE,
        video_token_id=VIDEO,
        vision_feature_layer=-2,
        image_grid_pinpoints=[[48, 48]],
    ),
    visual=lambda frames: [VIDEO] * (9 * frames),
    picture=[IMAGE] * (36 + 6 * 7),
    pixels=_llava_pixels,
    positions=9,
    unequal=False,
)

_QWEN_VISION = {
    "depth": 3,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_heads": 4,
    "patch_size": 4,
    "spatial_merge_size": 2,
    "temporal_patch_size": 2,
    "out_hidden_size": 32,
    "in_channels": 3,
}
_MROPE = {"rope_parameters": {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [2, 1, 1]}}
_QWEN_TOKENS = {
    "image_token_id": IMAGE,
    "video_token_id": VIDEO,
    "vision_start_token_id": START,
    "vision_end_token_id": END,
}


def _qwen(name: str, vision: dict[str, Any], visual: Callable[[int], list[int]], **text: Any) -> Kind:
    return Kind(
        name,
        _build(
            f"{name}ForConditionalGeneration",
            f"{name}Config",
            vision_config=_QWEN_VISION | vision,
            text_config=TEXT | _MROPE | text,
            **_QWEN_TOKENS,
        ),
        visual=visual,
        picture=[START, *[IMAGE] * 9, END],
        pixels=_grid_pixels(side=6, merge=2, channels=3 * 2 * 4 * 4, temporal=2),
        positions=9,
        frames_per_token=2,
    )


QWEN2_VL = _qwen(
    "Qwen2VL",
    {"embed_dim": 32, "hidden_size": 32, "mlp_ratio": 2},
    lambda frames: [START, *[VIDEO] * (9 * (frames // 2)), END],
)
QWEN25_VL = _qwen(
    "Qwen2_5_VL",
    {"window_size": 16, "fullatt_block_indexes": [1], "tokens_per_second": 4},
    lambda frames: [START, *[VIDEO] * (9 * (frames // 2)), END],
)
QWEN3_VL = _qwen(
    "Qwen3VL",
    {"deepstack_visual_indexes": [0, 1], "num_position_embeddings": 36},
    lambda frames: [token for t in range(frames // 2) for token in (50 + t, 60, START, *[VIDEO] * 9, END)],
    head_dim=8,
)

SMOLVLM = Kind(
    "SmolVLM",
    _build(
        "SmolVLMForConditionalGeneration",
        "SmolVLMConfig",
        vision_config=_SIGLIP | {"model_type": "smolvlm_vision"},
        text_config={"model_type": "llama", **TEXT},
        image_token_id=IMAGE,
        scale_factor=2,
        pad_token_id=PAD,
    ),
    visual=lambda frames: (
        _duration(frames) + [i for t in range(frames) for i in (*_clock(t), START, GLOBAL, *[IMAGE] * 9, START)]
    ),
    # One tile and the whole image.
    picture=[START, 70, *[IMAGE] * 9, NEWLINE, START, 71, *[IMAGE] * 9, START],
    pixels=_frame_pixels,
    positions=9,
)

INTERNVL = Kind(
    "InternVL",
    _build(
        "InternVLForConditionalGeneration",
        "InternVLConfig",
        vision_config={
            "hidden_size": 32,
            "intermediate_size": 48,
            "num_hidden_layers": 3,
            "num_attention_heads": 4,
            "image_size": [48, 48],
            "patch_size": [8, 8],
            "layer_scale_init_value": 1.0,
        },
        text_config={"model_type": "qwen2", **TEXT},
        image_token_id=IMAGE,
        image_seq_length=9,
    ),
    visual=lambda frames: [i for t in range(frames) for i in (*_number(t + 1), START, *[IMAGE] * 9, END)],
    picture=[START, *[IMAGE] * 18, END],
    pixels=_frame_pixels,
    positions=9,
)

VIDEO_LLAMA_3 = Kind(
    "VideoLlama3",
    _build(
        "VideoLlama3ForConditionalGeneration",
        "VideoLlama3Config",
        vision_config={
            "hidden_size": 32,
            "intermediate_size": 48,
            "num_hidden_layers": 3,
            "num_attention_heads": 4,
            "patch_size": 4,
        },
        text_config={"model_type": "qwen2", **TEXT},
        image_token_id=IMAGE,
        video_token_id=VIDEO,
    ),
    visual=lambda frames: [START, *[VIDEO] * (9 * frames), END],
    picture=[START, *[IMAGE] * 9, END],
    pixels=_grid_pixels(side=6, merge=2, channels=3 * 4 * 4, temporal=1),
    positions=9,
)

KINDS = {
    kind.name: kind
    for kind in (
        LLAVA_ONEVISION,
        LLAVA_NEXT_VIDEO,
        QWEN2_VL,
        QWEN25_VL,
        QWEN3_VL,
        SMOLVLM,
        INTERNVL,
        VIDEO_LLAMA_3,
    )
}
