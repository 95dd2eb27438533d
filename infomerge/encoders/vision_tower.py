"""Vision models of transformers, such as the SigLIP or CLIP tower of a Video-LLM, as encoders."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from os import PathLike
from pathlib import Path
from typing import Any, Literal, NamedTuple, cast

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn
from torch.nn import functional

from infomerge.encoders.attention import probe_attention, recorded_attention
from infomerge.encoders.base import Encoding, Resample, check_frames, pixel_values
from infomerge.encoders.layers import late_entries
from infomerge.encoders.normalization import CLIP_MEAN, CLIP_STD, HALF, IMAGENET_MEAN, IMAGENET_STD, RGB
from infomerge.extras import needs


class _Trained(NamedTuple):
    """How a supported kind of model was trained, and where its saliency comes from."""

    mean: RGB
    std: RGB
    saliency: Literal["head", "cls"]


# By the configuration's model_type.
_TRAINED = {
    "siglip_vision_model": _Trained(HALF, HALF, "head"),
    "siglip2_vision_model": _Trained(HALF, HALF, "head"),
    "clip_vision_model": _Trained(CLIP_MEAN, CLIP_STD, "cls"),
    "dinov2": _Trained(IMAGENET_MEAN, IMAGENET_STD, "cls"),
    "dinov2_with_registers": _Trained(IMAGENET_MEAN, IMAGENET_STD, "cls"),
}
_ACCEPTED = (
    "expected SiglipVisionModel, Siglip2VisionModel, CLIPVisionModel, Dinov2Model, "
    "Dinov2WithRegistersModel, a model that has one of them as its vision_model, and, without saliency, any "
    "transformers model with patch_size and image_size in its config and one token a patch in its "
    "last_hidden_state, after [CLS] and register tokens or after none"
)


class VisionTowerEncoder:
    """A vision model of transformers: one token a patch, the model's own attention as saliency.

    Saliency, in float32, averaged over the heads:

    - SigLIP and SigLIP 2 with their pooling head: attention of the head's probe over the positions. Without
      the head, as inside LLaVA-OneVision, there is none.
    - CLIP and DINOv2: attention of [CLS] over the positions in the last block, whichever attention
      implementation the model runs with.
    - Any other model: none.

    Frame features are the model's `pooler_output`, where it has one.

    Args:
        model: a SiglipVisionModel, Siglip2VisionModel, CLIPVisionModel, Dinov2Model,
            Dinov2WithRegistersModel; a model that has one of them as its `vision_model` (CLIPModel ...); or
            any transformers model with `patch_size` and `image_size` in its config whose `last_hidden_state`
            has one token a patch, after [CLS] and register tokens or after none. It runs in evaluation mode,
            on its own device and in its own dtype, and is left as it was.
        mean: RGB mean of the training images, from 0 to 1. Without it, the family's.
        std: their standard deviation. Without it, the family's.
        size: side of the square that frames are resized to, in pixels. Without it, the configuration's.
        resample: how frames are resized.
        name: a name for titles and files. Without it, the name of the model's class.
        layer: which hidden states are the tokens. None: `last_hidden_state`, after the model's final norm
            where it has one. A number: that entry of `hidden_states` (0 the embeddings, -1 the last block),
            without the norm. LLaVA reads CLIP at -2. LLaVA-OneVision reads the last block of a SigLIP that
            lost its last one: -1 on its own tower, -2 on the full SigLIP.
        pool: shrinks the grid to ceil(side / pool) by bilinear interpolation, saliency too. LLaVA-OneVision
            does so to video frames with 2, from 27 x 27 to 14 x 14, though after its projector.
        batch_size: frames at a time.
        keep_layers: whether the encoding has `layers` too, which EvoCut needs: the hidden states from the one before
            the middle block to the tokens' block, without the model's final norm, pooled as the tokens are.

    Raises:
        TypeError: the model is of no supported class.
        ValueError: an option is out of range, or a model outside the families has no `mean` or `std`.
    """

    def __init__(
        self,
        model: nn.Module,
        *,
        mean: Sequence[float] | None = None,
        std: Sequence[float] | None = None,
        size: int | None = None,
        resample: Resample = "bicubic",
        name: str | None = None,
        layer: int | None = None,
        pool: int = 1,
        batch_size: int = 8,
        keep_layers: bool = False,
    ) -> None:
        self.name = name or type(model).__name__
        self.model: Any = _tower(model)
        config = self.model.config
        trained = _TRAINED.get(config.model_type)
        self.mean = _rgb("mean", mean, trained.mean if trained else None)
        self.std = _rgb("std", std, trained.std if trained else None)
        self.resample: Resample = resample
        self.layer = layer
        self.pool = pool
        self.batch_size = batch_size
        self.keep_layers = keep_layers
        self._patch = _side("patch_size", config.patch_size)
        self._native_size = _native_size(config, self._patch)
        self.size = self._native_size if size is None else size
        self._saliency = trained.saliency if trained else None
        if self._saliency == "head" and not hasattr(self.model, "head"):
            self._saliency = None
        self._check_options()

    @classmethod
    def from_pretrained(
        cls,
        name_or_path: str | PathLike[str],
        *,
        size: int | None = None,
        layer: int | None = None,
        pool: int = 1,
        batch_size: int = 8,
        keep_layers: bool = False,
        device: str | torch.device = "cpu",
        dtype: torch.dtype | None = None,
    ) -> "VisionTowerEncoder":
        """Load a vision model, or the vision half of a two-tower model, from a folder or the hub.

        Mean, standard deviation, size (the crop's, where the preprocessing crops) and the way of resizing
        come from the preprocessor_config.json beside the weights. Without that file, from the family and the
        configuration.

        Args:
            name_or_path: a folder, or a model's name on the Hugging Face hub such as
                "google/siglip-so400m-patch14-384", which is downloaded unless it is in the local cache.
            size: as in the class. Without it, the preprocessing's.
            layer: as in the class.
            pool: as in the class.
            batch_size: as in the class.
            keep_layers: as in the class.
            device: where the model goes.
            dtype: what its weights are converted to. Without it, as they are stored.

        Raises:
            OSError: there is no such model, or it cannot be read.
            TypeError: the model is of no supported class.
            ValueError: the checkpoint lacks weights of the vision model, or an option is out of range.
        """
        name = str(name_or_path)
        model = _load(name, "auto" if dtype is None else dtype)
        options = _preprocessing(name)
        if size is not None:
            options["size"] = size
        options |= {"layer": layer, "pool": pool, "batch_size": batch_size, "keep_layers": keep_layers}
        return cls(model.to(device), name=name, **options)

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of positions."""
        side = -(-self._patches // self.pool)
        return side, side

    @torch.no_grad()
    def __call__(self, frames: UInt8[np.ndarray, "frames height width 3"]) -> Encoding:
        """Encode RGB frames of any size: tokens and frame features in the model's dtype, all on its device.

        Raises:
            TypeError: `frames` is not a uint8 array, or the model's output is not that of a supported class.
            ValueError: `frames` has the wrong shape or is empty.
        """
        with needs("models"):
            from infomerge.video.progress import progress
        check_frames(frames)
        batches = []
        bar = progress(self.name, len(frames), "frame")
        with bar, _evaluating(self.model):
            for start in range(0, len(frames), self.batch_size):
                batch = frames[start : start + self.batch_size]
                batches.append(self._encode(batch))
                bar.update(len(batch))
        tokens, saliency, features, layers = zip(*batches, strict=True)
        sources = {"head": "pooling-head attention", "cls": "[CLS] attention, last block", None: "none"}
        return Encoding(
            tokens=torch.cat(tokens),
            saliency=None if saliency[0] is None else torch.cat(saliency),
            frame_features=None if features[0] is None else torch.cat(features),
            grid=self.grid,
            saliency_source=sources[self._saliency],
            layers=torch.cat(layers, dim=1) if self.keep_layers else None,
        )

    @property
    def _patches(self) -> int:
        """Patches along a side of the image."""
        return self.size // self._patch

    def _check_options(self) -> None:
        config = self.model.config
        if self.resample not in ("bilinear", "bicubic"):
            raise ValueError(f"resample: got {self.resample!r}; expected 'bilinear' or 'bicubic'")
        if self.size < self._patch:
            raise ValueError(f"size: got {self.size}; expected a patch of {self._patch} pixels or more")
        if config.model_type == "siglip2_vision_model" and self.size % self._patch:
            raise ValueError(f"size: got {self.size}; expected multiples of {self._patch}, the patch")
        for option in ("pool", "batch_size"):
            if getattr(self, option) < 1:
                raise ValueError(f"{option}: got {getattr(self, option)}; expected 1 or more")
        blocks = config.num_hidden_layers
        if self.layer is not None and not -blocks - 1 <= self.layer <= blocks:
            raise ValueError(f"layer: got {self.layer}; expected {-blocks - 1} to {blocks}, and None")
        if self.keep_layers and len(self._kept_layers) < 2:
            raise ValueError(f"keep_layers: got layer={self.layer}; expected {max(1, blocks // 2)} to {blocks}")

    @property
    def _kept_layers(self) -> range:
        """Entries of `hidden_states` from before the middle block to the tokens'."""
        blocks = self.model.config.num_hidden_layers
        return late_entries(blocks, blocks if self.layer is None else self.layer % (blocks + 1))

    def _encode(
        self, frames: UInt8[np.ndarray, "batch height width 3"]
    ) -> tuple[
        Float[Tensor, "batch positions channels"],
        Float[Tensor, "batch positions"] | None,
        Float[Tensor, "batch features"] | None,
        Float[Tensor, "layers batch positions channels"] | None,
    ]:
        """Tokens, saliency, frame features and layers of one batch."""
        weight = next(self.model.parameters())
        mean, std = ([255 * value for value in values] for values in (self.mean, self.std))
        pixels = pixel_values(frames, self.size, mean, std, self.resample).to(weight.device, weight.dtype)
        received: list[Tensor] = []
        with ExitStack() as stack:
            if self._saliency == "cls":
                received = stack.enter_context(recorded_attention(_last_attention(self.model), from_cls=True))
            output = self.model(**self._inputs(pixels), output_hidden_states=self.layer is not None or self.keep_layers)

        states = self._last_hidden_state(output)
        prefix = states.shape[1] - self._patches**2
        saliency = None
        if self._saliency == "cls":
            saliency = received[-1][:, prefix:]
        elif self._saliency == "head":
            saliency = probe_attention(self.model.head, states)
        tokens = states if self.layer is None else output.hidden_states[self.layer]
        layers = None
        if self.keep_layers:
            layers = torch.stack([self._pooled(output.hidden_states[n][:, prefix:]) for n in self._kept_layers])
        return (
            self._pooled(tokens[:, prefix:]),
            None if saliency is None else self._pooled(saliency[:, :, None]).squeeze(2),
            getattr(output, "pooler_output", None),
            layers,
        )

    def _inputs(self, pixels: Float[Tensor, "batch 3 size size"]) -> dict[str, Any]:
        """What the model's `forward` takes for these pixels."""
        model_type = self.model.config.model_type
        if model_type == "siglip2_vision_model":
            return self._patch_inputs(pixels)
        if model_type in ("siglip_vision_model", "clip_vision_model") and self.size != self._native_size:
            return {"pixel_values": pixels, "interpolate_pos_encoding": True}
        return {"pixel_values": pixels}

    def _patch_inputs(self, pixels: Float[Tensor, "batch 3 size size"]) -> dict[str, Any]:
        """SigLIP 2 takes a list of patches of any shape of grid: here all of a square one."""
        batch, side, patch = len(pixels), self._patches, self._patch
        patches = pixels.reshape(batch, 3, side, patch, side, patch).permute(0, 2, 4, 3, 5, 1)
        return {
            "pixel_values": patches.reshape(batch, side**2, patch * patch * 3),
            "pixel_attention_mask": torch.ones(batch, side**2, dtype=torch.long, device=pixels.device),
            "spatial_shapes": torch.full((batch, 2), side, device=pixels.device),
        }

    def _last_hidden_state(self, output: Any) -> Float[Tensor, "batch tokens channels"]:
        states = getattr(output, "last_hidden_state", None)
        found = "no last_hidden_state"
        if isinstance(states, Tensor):
            found = f"last_hidden_state of shape {list(states.shape)} for {self._patches**2} patches"
            registers = getattr(self.model.config, "num_register_tokens", 0)
            if states.ndim == 3 and states.shape[1] - self._patches**2 in (0, 1 + registers):
                return states
        raise TypeError(f"model: got {type(self.model).__name__}, which gives {found}; {_ACCEPTED}")

    def _pooled(
        self, values: Float[Tensor, "batch positions channels"]
    ) -> Float[Tensor, "batch pooled_positions channels"]:
        if self.pool == 1:
            return values
        maps = values.transpose(1, 2).reshape(len(values), -1, self._patches, self._patches)
        return functional.interpolate(maps, size=self.grid, mode="bilinear").flatten(2).transpose(1, 2)


def _tower(model: Any) -> Any:
    """The vision model inside `model`, which may be one itself."""
    tower = getattr(model, "base_model", model)
    tower = getattr(tower, "vision_model", tower)
    config = getattr(tower, "config", None)
    known = all(hasattr(config, option) for option in ("model_type", "patch_size", "num_hidden_layers"))
    if not isinstance(tower, nn.Module) or not known:
        raise TypeError(f"model: got {type(model).__name__}; {_ACCEPTED}")
    return tower


def _native_size(config: Any, patch: int) -> int:
    """Side of the images that the model was made for, in pixels."""
    if config.model_type == "siglip2_vision_model":
        return int(config.num_patches**0.5) * patch
    return _side("image_size", getattr(config, "image_size", None))


def _side(option: str, value: Any) -> int:
    """Side of a square that is given by one number or by two equal ones."""
    sides = set(value) if isinstance(value, Iterable) else {value}
    side = sides.pop()
    if sides or not isinstance(side, int):
        raise ValueError(f"{option} in the model's configuration: got {value}; expected a square")
    return side


def _rgb(option: str, value: Sequence[float] | None, default: RGB | None) -> RGB:
    if value is None and default is not None:
        return default
    if value is None or len(value) != 3 or (option == "std" and min(value) <= 0):
        accepted = "three numbers, for red, green and blue" + (", above 0" if option == "std" else "")
        raise ValueError(f"{option}: got {value}; expected for this model {accepted}")
    red, green, blue = value
    return red, green, blue


def _load(name: str, dtype: torch.dtype | str) -> nn.Module:
    with needs("models"):
        from transformers import AutoConfig, AutoModel

    try:
        config = AutoConfig.from_pretrained(name, trust_remote_code=False)
        config = getattr(config, "vision_config", config)  # of a two-tower checkpoint, its vision half alone
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


def _preprocessing(name: str) -> dict[str, Any]:
    """Options that the checkpoint's preprocessor_config.json settles; none without the file."""
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
        options["size"] = _side("size", size.values() if isinstance(size, dict) else size)
    if settings.get("resample") == 2:  # bilinear, in Pillow's numbers
        options["resample"] = "bilinear"
    return options


@contextmanager
def _evaluating(model: nn.Module) -> Iterator[None]:
    """Evaluation mode inside the block; afterwards each module is as it was."""
    training = [module for module in model.modules() if module.training]
    model.eval()
    try:
        yield
    finally:
        for module in training:
            module.training = True


def _last_attention(model: Any) -> nn.Module:
    """The attention module of the last block that calls transformers' attention functions."""
    encoder = model.encoder
    block = (encoder.layers if hasattr(encoder, "layers") else encoder.layer)[-1]
    for module in block.modules():
        children = dict(module.named_children())
        if hasattr(module, "config") and ("q_proj" in children or "query" in children):
            attention: nn.Module = module
            return attention
    raise TypeError(f"model: got {type(model).__name__} without an attention module of transformers; {_ACCEPTED}")
