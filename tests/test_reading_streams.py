"""Which stream of a file is read, what comes beside its pictures, and files that are refused in one line."""

import os
import socket
import subprocess
import sys
import warnings
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.stream import Disposition

from infomerge.video import Clip, UnreadableClipError, read_clip
from tests.media import (
    X264_CLOSED,
    frame_number,
    numbered_frame,
    remux,
    sequential_frames,
    with_exif,
    with_icc_profile,
    write_audio,
    write_video,
)

MJPEG = {"strict": "unofficial"}


def read_all(path: Path) -> Clip:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return read_clip(path, num_frames=500)


def poster(folder: Path, size: tuple[int, int] = (300, 300)) -> Path:
    return write_video(folder / "poster.mkv", 1, "mjpeg", MJPEG, pix_fmt="yuvj420p", size=size)


@pytest.mark.parametrize("suffix", ["mkv", "mp4", "mov", "nut"])
@pytest.mark.parametrize("place", [0, 1])
def test_a_poster_is_not_taken_for_the_film(place: int, suffix: str, tmp_path: Path) -> None:
    film = write_video(tmp_path / "film.mp4", 50, options=X264_CLOSED)
    sources = [(film, int(Disposition.default))]
    sources.insert(place, (poster(tmp_path), 0))
    clip = read_all(remux(tmp_path / f"a.{suffix}", *sources))
    assert [frame_number(frame) for frame in clip.frames] == list(range(50))
    assert (clip.metadata.stream, clip.metadata.video_streams) == (1 - place, 2)
    assert clip.metadata.duration == pytest.approx(2.0, abs=2e-3)


def test_a_picture_larger_than_the_film_is_not_taken_for_it(tmp_path: Path) -> None:
    film = write_video(tmp_path / "film.mp4", 50, options=X264_CLOSED)
    path = remux(tmp_path / "a.mov", (poster(tmp_path, (640, 480)), 0), (film, 0))
    assert read_all(path).metadata.frame_count == 50


@pytest.mark.parametrize("marked", [0, 1, None])
def test_of_two_films_the_marked_one_is_read_or_else_the_larger(marked: int | None, tmp_path: Path) -> None:
    small = write_video(tmp_path / "small.mp4", 20, options=X264_CLOSED)
    large = write_video(tmp_path / "large.mp4", 30, options=X264_CLOSED, size=(192, 128))
    path = remux(tmp_path / "a.mkv", *((film, int(marked == i)) for i, film in enumerate((small, large))))
    metadata = read_all(path).metadata
    assert (metadata.stream, metadata.frame_count) == ((0, 20) if marked == 0 else (1, 30))


def attach_cover(path: Path, source: Path, cover: Path) -> Path:
    """Copy a file of sound or pictures, with a picture attached to it."""
    with av.open(str(source)) as reader, av.open(str(cover)) as picture, av.open(str(path), "w") as writer:
        streams = [reader.streams[0], picture.streams.video[0]]
        copies = [writer.add_stream_from_template(stream) for stream in streams]
        copies[1].disposition = Disposition.attached_pic
        for file, stream, copy in zip((picture, reader), streams[::-1], copies[::-1], strict=True):
            for packet in file.demux(stream):
                if packet.dts is not None:
                    packet.stream = copy
                    writer.mux(packet)
    return path


def test_a_song_with_a_cover_is_said_to_be_one(tmp_path: Path) -> None:
    path = attach_cover(tmp_path / "song.mp4", write_audio(tmp_path / "sound.m4a"), poster(tmp_path))
    with pytest.raises(UnreadableClipError, match="no video stream, only audio and a cover picture"):
        read_clip(path)


def test_a_cover_attached_to_a_film_is_left_out(tmp_path: Path) -> None:
    film = write_video(tmp_path / "film.mp4", 30, options=X264_CLOSED)
    metadata = read_all(attach_cover(tmp_path / "a.mp4", film, poster(tmp_path))).metadata
    assert (metadata.stream, metadata.frame_count) == (0, 30)


@pytest.mark.parametrize("icc", [False, True])
def test_animated_png(icc: bool, tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.apng", 10, "apng", pix_fmt="rgb24").rename(tmp_path / "a.png")
    if icc:
        with_icc_profile(path)
    # In a process of its own: a fault here would end it.
    code = f"from infomerge.video import read_clip; import numpy as np; np.save({str(tmp_path / 'a.npy')!r}, "
    subprocess.run([sys.executable, "-c", code + f"read_clip({str(path)!r}).frames)"], check=True, timeout=120)
    frames = np.load(tmp_path / "a.npy")
    assert np.array_equal(frames, [numbered_frame(number) for number in range(10)])


def test_animated_avif_shows_all_its_frames(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SVT_LOG", "1")
    path = write_video(tmp_path / "a.avif", 10, "libsvtav1", rate=10)
    with av.open(str(path)) as container:
        if len(container.streams.video) < 2:
            pytest.skip("this build of PyAV writes animated AVIF without a still beside it")
    clip = read_all(path)
    assert [frame_number(frame) for frame in clip.frames] == list(range(10))
    assert clip.timestamps == pytest.approx(np.arange(10) / 10)


# EXIF's eight orientations as it defines them: what of the stored picture is its first row and first column.
UPRIGHT: dict[int, Callable[[np.ndarray], np.ndarray]] = {
    1: lambda image: image,
    2: lambda image: image[:, ::-1],
    3: lambda image: image[::-1, ::-1],
    4: lambda image: image[::-1],
    5: lambda image: image.transpose(1, 0, 2),
    6: lambda image: np.rot90(image, -1),
    7: lambda image: image[::-1, ::-1].transpose(1, 0, 2),
    8: lambda image: np.rot90(image),
}


@pytest.mark.parametrize("orientation", UPRIGHT)
@pytest.mark.parametrize("suffix", ["mov", "jpg"])
def test_photos_with_exif_stand_upright(suffix: str, orientation: int, tmp_path: Path) -> None:
    count = 10 if suffix == "mov" else 1
    plain = write_video(tmp_path / "plain.mov", count, "mjpeg", MJPEG, pix_fmt="yuvj420p", rate=10)
    path = tmp_path / f"a.{suffix}"
    if suffix == "mov":
        remux(path, (plain, 1), change=lambda jpeg: with_exif(jpeg, orientation))
    else:
        with av.open(str(plain)) as container:
            path.write_bytes(with_exif(bytes(next(container.demux(video=0))), orientation))
    stored, _ = sequential_frames(plain)
    assert np.array_equal(read_all(path).frames, [UPRIGHT[orientation](image) for image in stored])


def fifo(path: Path) -> Path:
    os.mkfifo(path)
    return path


def local_socket(path: Path) -> Path:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
    return path


@pytest.mark.parametrize("make", [fifo, local_socket])
def test_what_is_no_file_is_refused_without_waiting(make: Callable[[Path], Path], tmp_path: Path) -> None:
    with pytest.raises(UnreadableClipError, match="a pipe, a socket or a device"):
        read_clip(make(tmp_path / "clip.mp4"))


def path_of_bytes(folder: Path) -> Path:
    path = Path(os.fsdecode(os.fsencode(folder) + b"/caf\xe9.mp4"))
    try:
        path.touch()
    except OSError as error:
        pytest.skip(f"the file system takes names in UTF-8 only: {error}")
    return path


def test_a_name_that_is_not_utf_8_is_read(tmp_path: Path) -> None:
    path = path_of_bytes(tmp_path)
    film = write_video(tmp_path / "film.mp4", 20, options=X264_CLOSED)
    path.write_bytes(film.read_bytes())
    clip = read_all(path)
    assert np.array_equal(clip.frames, sequential_frames(film)[0])
    assert clip.metadata.name == "caf\ufffd"


def test_a_name_that_is_not_utf_8_can_be_printed_in_an_error(tmp_path: Path) -> None:
    path = path_of_bytes(tmp_path)
    path.write_bytes(b"no film")
    with pytest.raises(UnreadableClipError, match="caf\ufffd") as error:
        read_clip(path)
    str(error.value).encode()


def test_a_name_is_no_pattern_for_other_files(tmp_path: Path) -> None:
    for number, name in enumerate(["shot1.png", "shot2.png", "shot%d.png"]):
        picture = av.VideoFrame.from_ndarray(numbered_frame(number), format="rgb24")
        context = av.CodecContext.create("png", "w")
        context.width, context.height, context.pix_fmt, context.time_base = 96, 64, "rgb24", Fraction(1)
        (tmp_path / name).write_bytes(b"".join(map(bytes, [*context.encode(picture), *context.encode(None)])))
    assert [frame_number(frame) for frame in read_all(tmp_path / "shot%d.png").frames] == [2]
