"""Encoders by name: for a command line, a sweep's file, or tokens of one's own that lie in a file."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import UInt8

from infomerge.encoders.base import Encoder, Encoding
from infomerge.encoders.efficientnet import EfficientNetEncoder
from infomerge.encoders.vision_tower import VisionTowerEncoder
from infomerge.extras import needs

EFFICIENTNET = "efficientnet"
"""The name of the encoder that needs no download."""
TOKEN_FILES = (".npy", ".safetensors")
"""Endings of files with tokens of one's own."""
CLIP_PLACE = "{clip}"
"""Stands for the clip's name, without its ending, in the path of a file of tokens."""


class TokenFile:
    """Tokens of one's own from a file, in the place of an encoder: for a clip whose frames another network has read.

    A .npy file holds the tokens, [frames, positions, channels] or [frames, rows, columns, channels]; a .safetensors
    file holds them as "tokens", and if it likes "saliency" [frames, positions] and "frame_features" [frames, features].

    Args:
        path: the file.
        grid: rows and columns of positions, where the file does not tell them and they make no square.

    Raises:
        OSError: the file cannot be read.
        ValueError: it holds something else; the message says what.
    """

    def __init__(self, path: str | os.PathLike[str], grid: tuple[int, int] | None = None) -> None:
        self.path = Path(path)
        self._encoding = _encoding(self.path, _arrays(self.path), grid)

    @property
    def name(self) -> str:
        """The file's name."""
        return self.path.name

    @property
    def num_frames(self) -> int:
        """Frames that the tokens are of."""
        return len(self._encoding.tokens)

    def __call__(self, frames: UInt8[np.ndarray, "frames height width 3"]) -> Encoding:
        """The tokens, which are those of these frames, as many as there are.

        Raises:
            ValueError: there is another number of frames.
        """
        if len(frames) != self.num_frames:
            raise ValueError(
                f"encoder: got the tokens of {self.num_frames} frames in {self.name}; expected those of the clip's "
                f"{len(frames)}, or a clip read to as many frames as there are tokens"
            )
        return self._encoding


def load_encoder(
    name: str | os.PathLike[str] | None = None,
    *,
    grid: tuple[int, int] | None = None,
    image_size: int | None = None,
    clip: str = "",
    keep_layers: bool = False,
) -> Encoder:
    """An encoder by its name.

    Args:
        name: "efficientnet", or nothing, for EfficientNet-Lite0; a .npy or .safetensors file of tokens of one's own, in
            whose path `{clip}` stands for the clip's name; or a vision tower, a folder or a name of the Hugging Face
            hub.
        grid: of tokens in a file, where it does not tell it.
        image_size: side of the encoder's input in pixels, where it can be chosen; without a number, the encoder's own.
        clip: the clip's name.
        keep_layers: hand over the network's hidden states too, which some methods need.

    Raises:
        OSError: a file or folder cannot be read.
        ValueError: it holds something else than its name says; the message says what.
    """
    text = EFFICIENTNET if name is None else os.fspath(name)
    sized: dict[str, Any] = {} if image_size is None else {"image_size": image_size}
    if text.lower() in (EFFICIENTNET, "efficientnet-lite0") and not Path(text).exists():
        return EfficientNetEncoder(**sized, keep_layers=keep_layers)
    if text.endswith(TOKEN_FILES):
        return TokenFile(Path(text.replace(CLIP_PLACE, clip)).expanduser(), grid)
    try:
        return VisionTowerEncoder.from_pretrained(text, **sized, keep_layers=keep_layers)
    except (OSError, ValueError, ImportError):
        raise
    except Exception as error:
        # What damaged files of weights and settings raise inside of their readers is of every kind.
        raise ValueError(
            f"name_or_path: got {text!r}, which cannot be loaded ({type(error).__name__}: "
            f"{str(error).partition(chr(10))[0]}); expected a saved vision model"
        ) from error


def _arrays(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise FileNotFoundError(f"encoder: got no file {str(path)!r}; expected tokens in a .npy or .safetensors file")
    try:
        if path.suffix == ".npy":
            tokens = np.load(path, allow_pickle=False)
            return {"tokens": torch.from_numpy(tokens.astype(tokens.dtype.newbyteorder("="), copy=False))}
        with needs("models"):
            from safetensors.torch import load_file
        return dict(load_file(path))
    except ImportError:
        raise
    except Exception as error:
        raise ValueError(
            f"encoder: got {path.name}, which cannot be read ({error}); expected arrays of floats"
        ) from error


def _encoding(path: Path, arrays: dict[str, Any], grid: tuple[int, int] | None) -> Encoding:
    known = ("tokens", "saliency", "frame_features")
    if "tokens" not in arrays or set(arrays) - set(known):
        raise ValueError(f"encoder: got {', '.join(arrays) or 'nothing'} in {path.name}; expected {', '.join(known)}")
    tokens = arrays["tokens"]
    if tokens.ndim == 4:
        grid = (tokens.shape[1], tokens.shape[2])
        tokens = tokens.flatten(1, 2)
    if tokens.ndim != 3 or not tokens.is_floating_point() or not tokens.numel():
        raise ValueError(
            f"encoder: got {tokens.dtype} {list(tokens.shape)} in {path.name}; expected floats [frames, positions, "
            "channels] or [frames, rows, columns, channels]"
        )
    side = int(tokens.shape[1] ** 0.5)
    if grid is None and side * side != tokens.shape[1]:
        raise ValueError(
            f"grid: got none, and the {tokens.shape[1]} positions of {path.name} make no square; expected ROWSxCOLUMNS"
        )
    if grid is not None and grid[0] * grid[1] != tokens.shape[1]:
        raise ValueError(f"grid: got {grid[0]} x {grid[1]}; expected the {tokens.shape[1]} positions of {path.name}")
    saliency, features = arrays.get("saliency"), arrays.get("frame_features")
    if saliency is not None and saliency.shape != tokens.shape[:2]:
        raise ValueError(
            f"encoder: got saliency {list(saliency.shape)} in {path.name}; expected {list(tokens.shape[:2])}"
        )
    if features is not None and (features.ndim != 2 or len(features) != len(tokens)):
        found = list(features.shape)
        raise ValueError(f"encoder: got frame_features {found} in {path.name}; expected [{len(tokens)}, features]")
    source = "none" if saliency is None else "given"
    return Encoding(tokens, saliency, features, grid or (side, side), source)
