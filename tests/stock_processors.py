"""The processors of transformers at work without torchvision, as a reference for prompts.

`python -m tests.stock_processors FILE OUT` reads frames and facts of a clip, and writes what the processor of each kind
of tiny checkpoint makes of them. The processors import torchvision, of which they need little beside resizing, and
torchvision itself leaves that to torch. Stand-ins for these few functions are put in its place, in this process alone.
"""

import importlib
import sys
from enum import Enum
from importlib.machinery import ModuleSpec
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

QUESTION = "What moves?"


class InterpolationMode(Enum):
    """torchvision's names of filters."""

    NEAREST = "nearest"
    NEAREST_EXACT = "nearest-exact"
    BILINEAR = "bilinear"
    BICUBIC = "bicubic"
    BOX = "box"
    HAMMING = "hamming"
    LANCZOS = "lanczos"


def resize(video: Tensor, size: tuple[int, int], interpolation: InterpolationMode, antialias: bool = True) -> Tensor:
    flat = video.reshape(-1, *video.shape[-3:])
    made = functional.interpolate(flat, size=tuple(size), mode=interpolation.value, antialias=antialias)
    return made.reshape(*video.shape[:-3], *made.shape[-3:])


def normalize(video: Tensor, mean: Tensor, std: Tensor, inplace: bool = False) -> Tensor:
    return (video - mean.view(3, 1, 1)) / std.view(3, 1, 1)


def crop(video: Tensor, top: int, left: int, height: int, width: int) -> Tensor:
    return video[..., top : top + height, left : left + width]


def stand_in() -> None:
    """Modules under torchvision's names, with the functions above."""
    names = ("", ".transforms", ".transforms.functional", ".transforms.v2", ".transforms.v2.functional", ".io")
    for name in names:
        module: Any = ModuleType(f"torchvision{name}")
        module.__spec__ = ModuleSpec(module.__name__, None, is_package=True)
        module.__file__, module.__path__, module.__version__ = "stand-in", [], "0.28.0"
        sys.modules[module.__name__] = module
        if name:
            parent, _, own = module.__name__.rpartition(".")
            setattr(sys.modules[parent], own, module)
    sys.modules["torchvision.transforms"].InterpolationMode = InterpolationMode  # type: ignore[attr-defined]
    for module_name in ("torchvision.transforms.functional", "torchvision.transforms.v2.functional"):
        module = sys.modules[module_name]
        module.InterpolationMode = InterpolationMode
        module.resize, module.normalize, module.crop = resize, normalize, crop
        module.grayscale_to_rgb = lambda video: video
        module.pil_to_tensor = module.pad = None
    io: Any = sys.modules["torchvision.io"]
    io.ImageReadMode = io.decode_image = None


# Folder of the models' module, class of the video processor where it is another's, and of the image processor, which
# must be there but has nothing to do.
KINDS = {
    "LlavaOnevision": ("llava_onevision", None, "llava_onevision.LlavaOnevision"),
    "LlavaNextVideo": ("llava_next_video", None, "llava_next.LlavaNext"),
    "Qwen2VL": ("qwen2_vl", None, "qwen2_vl.Qwen2VL"),
    "Qwen2_5_VL": ("qwen2_5_vl", "qwen2_vl.Qwen2VL", "qwen2_vl.Qwen2VL"),
    "Qwen3VL": ("qwen3_vl", None, "qwen2_vl.Qwen2VL"),
    "SmolVLM": ("smolvlm", None, "smolvlm.SmolVLM"),
    "InternVL": ("internvl", None, "got_ocr2.GotOcr2"),
    "VideoLlama3": ("video_llama_3", None, "video_llama_3.VideoLlama3"),
}
# What a processor is told about its model, for the tiny checkpoint's frames and for those of the defaults.
TOLD: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "LlavaOnevision": ({"num_image_tokens": 36}, {"num_image_tokens": 48**2}),
    "LlavaNextVideo": ({"patch_size": 8}, {"patch_size": 8}),
    "SmolVLM": ({"image_seq_len": 9}, {"image_seq_len": 22**2}),
    "InternVL": ({"image_seq_length": 9}, {"image_seq_length": 24**2}),
}
ALWAYS = {
    "Qwen2VL": {"cap_pixels_per_frame": False},
    "Qwen2_5_VL": {"cap_pixels_per_frame": False},
    "Qwen3VL": {"cap_pixels_per_frame": False},
    "VideoLlama3": {"use_token_compression": False},
}


def part(path: str, file: str, ending: str) -> Any:
    """A class of transformers, such as the Qwen2VLVideoProcessor of video_processing_qwen2_vl."""
    folder, name = path.split(".")
    return getattr(importlib.import_module(f"transformers.models.{folder}.{file}_{folder}"), f"{name}{ending}")


def stock_processor(name: str, given: bool) -> Any:
    """A kind's processor of transformers, with the tiny checkpoint's settings of preprocessing or with none."""
    from tests.tiny_checkpoints import settings_of, tokenizer

    folder, video_kind, image_kind = KINDS[name]
    own = f"{folder}.{name}"
    settings = ALWAYS.get(name, {}) | (settings_of(name) if given else {})
    words = tokenizer(name)
    return part(own, "processing", "Processor")(
        image_processor=part(image_kind, "image_processing_pil", "ImageProcessorPil")(),
        tokenizer=words,
        video_processor=part(video_kind or own, "video_processing", "VideoProcessor")(**settings),
        chat_template=words.chat_template,
        **TOLD.get(name, ({}, {}))[not given],
    )


def stock_prompt(processor: Any, clip: Any) -> dict[str, Tensor]:
    """What transformers makes of a clip."""
    from transformers.video_utils import VideoMetadata

    metadata = VideoMetadata(
        total_num_frames=int(clip["frame_count"]),
        fps=float(clip["frame_rate"]),
        duration=float(clip["duration"]),
        frames_indices=clip["indices"].tolist(),
    )
    content = [{"type": "video"}, {"type": "text", "text": QUESTION}]
    text = processor.apply_chat_template([{"role": "user", "content": content}], add_generation_prompt=True)
    video = torch.from_numpy(clip["frames"]).permute(0, 3, 1, 2)
    options = {"video_metadata": [metadata], "do_sample_frames": False, "return_tensors": "pt"}
    # A row of videos for every prompt: SmolVLM of transformers 5.21 takes no other form, and all take this one.
    made = processor(text=[text], videos=[[video]], **options)
    return {key: torch.as_tensor(value) for key, value in made.items()}


def wrapped_answer(name: str, clip: Any, folder: Path) -> tuple[dict[str, Tensor], tuple[int, ...], tuple[int, int]]:
    """The same by a checkpoint that was loaded with the processor: the prompt, its clip's shape, and what was kept."""
    from infomerge.models import ask, load
    from tests.tiny_checkpoints import save_checkpoint

    model, processor = load(str(save_checkpoint(name, folder)), processor=stock_processor(name, given=True))
    prompt = processor(clip["frames"], clip["timestamps"], QUESTION, float(clip["duration"]))
    seen: Any = SimpleNamespace(
        frames=clip["frames"], timestamps=clip["timestamps"], metadata=SimpleNamespace(duration=float(clip["duration"]))
    )
    model.name_or_path = ""  # so that the tokenizer comes from the processor
    answer = ask(model, processor.processor, seen, QUESTION, retention_ratio=0.25, max_new_tokens=2)
    return prompt.inputs, (prompt.frames, *prompt.grid), (answer.visual_tokens, answer.kept_tokens)


def main() -> None:
    """Write the prompts of all kinds, by name and by whether settings were given."""
    stand_in()
    from transformers.models.smolvlm import processing_smolvlm

    processing_smolvlm.num2words = {7: "seven"}.get
    clip = np.load(sys.argv[1])
    prompts = {
        (name, given): stock_prompt(stock_processor(name, given), clip) for name in KINDS for given in (True, False)
    }
    with TemporaryDirectory() as folder:
        answers = {name: wrapped_answer(name, clip, Path(folder) / name) for name in KINDS}
    torch.save((prompts, answers), sys.argv[2])


if __name__ == "__main__":
    main()
