"""Frames in, visual tokens with their saliency out.

    encoding = EfficientNetEncoder()(frames)
    compress(encoding.tokens, config, saliency=encoding.saliency, frame_features=encoding.frame_features)

`EfficientNetEncoder` needs no download; `VisionTowerEncoder` takes the vision model of a Video-LLM;
`PatchPixelEncoder` has no network, for comparison; `TokenFile` has tokens of one's own; `load_encoder` takes a name.
"""

from infomerge.encoders.base import Encoder, Encoding
from infomerge.encoders.efficientnet import EfficientNetEncoder
from infomerge.encoders.named import TokenFile, load_encoder
from infomerge.encoders.patches import PatchPixelEncoder
from infomerge.encoders.vision_tower import VisionTowerEncoder

__all__ = [
    "EfficientNetEncoder",
    "Encoder",
    "Encoding",
    "PatchPixelEncoder",
    "TokenFile",
    "VisionTowerEncoder",
    "load_encoder",
]
