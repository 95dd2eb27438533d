"""Seeded damages of small files, and the truth of what is left: one thread, in order, every picture that comes."""

import random
from pathlib import Path

import av
import numpy as np
from jaxtyping import UInt8

from infomerge.video.orientation import Orientation, orientation_of
from infomerge.video.side_data import display_matrix


def damaged(data: bytes, seed: int) -> bytes:
    """The data with one bit turned, some bytes written over, a piece lost, or the end cut off."""
    draw = random.Random(seed)
    at = draw.randrange(len(data) // 20, len(data))
    length = draw.randrange(1, 64)
    match draw.choice(["flip", "flip", "overwrite", "lose", "cut"]):
        case "flip":
            return data[:at] + bytes([data[at] ^ 1 << draw.randrange(8)]) + data[at + 1 :]
        case "overwrite":
            return (data[:at] + draw.randbytes(length) + data[at + length :])[: len(data)]
        case "lose":
            return data[:at] + data[at + length :]
        case _:
            return data[:at]


def decoded_pictures(path: Path) -> list[UInt8[np.ndarray, "height width 3"]]:
    """Every picture that a decoder of one thread shows, passing over what it calls an error."""
    pictures: list[np.ndarray] = []
    turned: list[Orientation] = []
    with av.open(str(path), metadata_errors="replace") as container:
        stream = container.streams.video[0]
        stream.thread_type = "NONE"
        packets = iter(container.demux(stream))
        while True:
            try:
                packet = next(packets)
            except (StopIteration, IndexError, av.error.FFmpegError):
                return pictures
            try:
                frames = stream.decode(packet)
                # A header may be damaged so that it tells a player to turn the pictures.
                turned = turned or [orientation_of(display_matrix(frame)) for frame in frames][:1]
                pictures += [turned[0].upright(frame.to_ndarray(format="rgb24")) for frame in frames]
            except av.error.FFmpegError:
                continue
