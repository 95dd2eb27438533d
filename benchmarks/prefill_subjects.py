"""The models of `video_llm_prefill`, at full size and in small, and the prompt that each of them gets."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
import transformers
from torch import Tensor

from infomerge.measure.flops import QWEN2_7B, Decoder


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
