"""Files of other kinds, damaged or lying, given to the command where it reads one: one line that names the option."""

import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.commands import exit_code, refusal
from tests.media import X264_CLOSED, write_video

TOKENS = np.random.default_rng(0).standard_normal((4, 16, 8), dtype=np.float32)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_video(tmp_path_factory.mktemp("clip") / "a.mp4", 12, options=X264_CLOSED)


def array(values: Any, **options: Any) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        np.save(folder / "a.npy", values, **options)
        return folder / "a.npy"

    return write


def content(name: str, data: bytes) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        (folder / name).write_bytes(data)
        return folder / name

    return write


def safetensors(shape: list[int], size: int) -> bytes:
    header = json.dumps({"tokens": {"dtype": "F32", "shape": shape, "data_offsets": [0, size]}}).encode()
    return struct.pack("<Q", len(header)) + header + bytes(4)


LYING = b"{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999, 9999, 9), }"
ODD_TOKENS: dict[str, Callable[[Path], Path]] = {
    "objects": array(np.array([{}], dtype=object), allow_pickle=True),
    "complex numbers": array(TOKENS.astype(complex)),
    "whole numbers": array(TOKENS.astype(int)),
    "words": array(np.array([["a"]])),
    "one number": array(np.float32(3)),
    "no frames": array(TOKENS[:0]),
    "NaN": array(np.full_like(TOKENS, np.nan)),
    "numbers whose products overflow": array(np.full(TOKENS.shape, 1e300)),
    "another number of frames": array(TOKENS[:3]),
    "cut off": content("a.npy", b"\x93NUMPY\x01\x00v\x00{'descr"),
    "a lying shape": content("a.npy", b"\x93NUMPY\x01\x00v\x00" + LYING.ljust(117) + b"\n" + bytes(64)),
    "a lying safetensors file": content("a.safetensors", safetensors([10**9] * 3, 4)),
    "a header without end": content("a.safetensors", struct.pack("<Q", 2**62)),
    "nothing": content("a.safetensors", b""),
}


@pytest.mark.parametrize("kind", ODD_TOKENS)
def test_tokens_that_are_none_are_refused(
    kind: str, clip: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = ODD_TOKENS[kind](tmp_path)
    line = refusal(capfd, "run", clip, "--encoder", path, "-n", "4", "--out", tmp_path / "out")
    assert line.startswith("--encoder: ")
    assert not list((tmp_path / "out").glob("*"))


@pytest.mark.parametrize("values", [TOKENS.astype(">f8"), np.asfortranarray(TOKENS)])
def test_floats_of_any_layout_are_taken(values: Any, clip: Path, tmp_path: Path) -> None:
    path = array(values)(tmp_path)
    assert exit_code("run", clip, "--encoder", path, "-n", "4", "--out", tmp_path / "out") == 0


@pytest.mark.parametrize(
    "data", [b"", b"\0" * 9, b"\x93NUMPY", b"[" * 100_000, b"{}", b'{"questions": NaN}', b"\xff{}"]
)
def test_answers_that_are_none_are_refused(
    data: bytes, clip: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = content("answers.json", data)(tmp_path)
    line = refusal(capfd, "page", clip, "-n", "2", "--answers", path, "--out", tmp_path / "out")
    assert line.startswith("--answers: ")
