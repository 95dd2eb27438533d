"""A vision model from a folder or the hub: its weights, and what was saved of how frames are prepared for it."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, cast

import torch
from torch import nn

from infomerge.extras import needs


def load_vision_model(name: str, dtype: torch.dtype | str) -> nn.Module:
    """The model, or of one with two towers its vision half, with all of its weights; no code of the folder's is run.

    Raises:
        OSError: nothing can be loaded under this name.
        ValueError: weights are missing.
    """
    with needs("models"):
        from transformers import AutoConfig, AutoModel

    try:
        config = AutoConfig.from_pretrained(name, trust_remote_code=False)
        # Of a two-tower checkpoint only the vision half is read.
        config = getattr(config, "vision_config", config)
        safe = {"trust_remote_code": False, "use_safetensors": True}
        with torch.device("cpu"):  # whatever the caller's default device
            model, info = AutoModel.from_pretrained(name, config=config, dtype=dtype, output_loading_info=True, **safe)
    except Exception as error:
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        accepted = "a folder with a saved vision model or a model's name on the Hugging Face hub"
        raise OSError(f"name_or_path: got {name!r}, which cannot be loaded ({reason}); expected {accepted}") from error
    missing = sorted(info["missing_keys"])
    if missing:
        raise ValueError(
            f"name_or_path: got {name!r}, which lacks {len(missing)} weights of {type(model).__name__}, "
            f"{missing[0]} among them; expected a checkpoint with all of them"
        )
    return cast(nn.Module, model)


def saved_preprocessing(name: str) -> dict[str, Any]:
    """Options that the checkpoint's preprocessor_config.json settles; none without the file.

    Raises:
        OSError: the file is no JSON.
    """
    with needs("models"):
        from transformers.image_processing_base import ImageProcessingMixin

    try:
        settings, _ = ImageProcessingMixin.get_image_processor_dict(name)
    except Exception as error:
        if isinstance(error, OSError) and not (Path(name) / "preprocessor_config.json").exists():
            return {}
        raise OSError(f"name_or_path: got no JSON as preprocessor_config.json in {name!r}; expected JSON") from error
    options: dict[str, Any] = {"mean": settings.get("image_mean"), "std": settings.get("image_std")}
    crop = settings.get("crop_size") if settings.get("do_center_crop", True) else None
    size = crop or settings.get("size")
    if size:
        options["size"] = square_side("size", size.values() if isinstance(size, dict) else size)
    if settings.get("resample") == 2:  # bilinear, in Pillow's numbers
        options["resample"] = "bilinear"
    return options


def square_side(option: str, value: Any) -> int:
    """Side of a square that a configuration gives by one number or by two equal ones.

    Raises:
        ValueError: the numbers differ, or are not whole.
    """
    sides = set(value) if isinstance(value, Iterable) else {value}
    side = sides.pop()
    if sides or not isinstance(side, int):
        raise ValueError(f"{option} in the model's configuration: got {value}; expected a square")
    return side
