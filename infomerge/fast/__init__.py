"""InfoMerge for those who wait: `precision="fast"`, the pipeline's steps in float32 or by GPU kernels."""

import dataclasses
from importlib.util import find_spec
from typing import Any

import torch

from infomerge import pipeline
from infomerge.compression import Compression
from infomerge.config import InfoMergeConfig
from infomerge.fast.float32 import FLOAT32
from infomerge.inputs import check_shapes, clip_tensors

use_graphs = False
"""Whether runs by kernels are recorded as CUDA graphs, one for every size and configuration, and replayed: about 0.3 ms
faster, for memory that stays taken and a first call of seconds."""


def run(tokens: Any, saliency: Any, frame_features: Any, config: InfoMergeConfig) -> Compression:
    """InfoMerge at precision "fast"; arguments and errors as in `infomerge.compress`."""
    check_shapes(tokens, saliency, frame_features)
    why_not = "no CUDA" if not tokens.is_cuda else "Triton is not installed" if not find_spec("triton") else None
    if why_not is None:
        from infomerge.fast.kernels import compress as kernels

        why_not = kernels.not_covered(tokens, config)
        if why_not is None:
            return kernels.compress(tokens, saliency, frame_features, config, use_graphs)
    clip = clip_tensors(tokens, saliency, frame_features, torch.float32)
    out = pipeline.run(clip, config, FLOAT32)
    arithmetic = f"float32; not GPU kernels: {why_not}" if tokens.is_cuda else "float32"
    trace = dataclasses.replace(out.trace, precision="fast", arithmetic=arithmetic)
    return dataclasses.replace(out, trace=trace)
