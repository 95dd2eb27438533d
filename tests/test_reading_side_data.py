"""Whatever stands beside the pictures of a film, in its stream or in other streams, the pictures stay what they are."""

import random
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest
from av.bitstream import BitStreamFilterContext
from av.stream import Disposition

from infomerge.video import read_clip
from tests.media import X264_CLOSED, frame_number, remux, sequential_frames, write_audio, write_video

MASTERING = "G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,1)"
SVT = "mastering-display=G(0.265,0.69)B(0.15,0.06)R(0.68,0.32)WP(0.3127,0.329)L(1000,0.0001):content-light=1000,400"
X264 = X264_CLOSED["x264-params"]


def x264(path: Path, more: str) -> Path:
    return write_video(path, 24, options={"x264-params": f"{X264}:{more}"})


def filtered(path: Path, name: str, source: Path) -> Path:
    """The film with a filter of FFmpeg on its packets, which writes side data into them."""
    with av.open(str(source)) as reader, av.open(str(path), "w") as writer:
        stream = reader.streams.video[0]
        copy = writer.add_stream_from_template(stream)
        bitstream = BitStreamFilterContext(name, stream, copy)
        for packet in [*reader.demux(stream), None]:
            if packet is None or packet.size:
                for changed in bitstream.filter(packet):
                    changed.stream = copy
                    writer.mux(changed)
    return path


def with_metadata(path: Path, of_stream: dict[str, str], of_file: dict[str, str]) -> Path:
    source = write_video(path.with_name("plain.mp4"), 24, options=X264_CLOSED)
    with av.open(str(source)) as reader, av.open(str(path), "w") as writer:
        stream = reader.streams.video[0]
        copy = writer.add_stream_from_template(stream)
        copy.metadata.update(of_stream)
        writer.metadata.update(of_file)
        for packet in reader.demux(stream):
            if packet.size:
                packet.stream = copy
                writer.mux(packet)
    return path


def h264_metadata(options: str) -> Callable[[Path], Path]:
    return lambda d: filtered(
        d / "a.mkv", f"h264_metadata={options}", write_video(d / "b.mp4", 24, options=X264_CLOSED)
    )


SIDE_DATA: dict[str, Callable[[Path], Path]] = {
    "two views in a picture": lambda d: x264(d / "a.mp4", "frame-packing=3"),
    "views in turn": lambda d: x264(d / "a.mkv", "frame-packing=5"),
    "timing of pictures": lambda d: x264(d / "a.ts", "nal-hrd=vbr:vbv-maxrate=900:vbv-bufsize=900:pic-struct=1"),
    "words in the stream": h264_metadata("sei_user_data=086f3693-b7b3-4f2c-9653-21492feee5b8+hello"),
    "delimiters": h264_metadata("aud=insert"),
    "crop": lambda d: write_video(d / "a.mp4", 24, options=X264_CLOSED, size=(90, 62)),
    "light of a display": lambda d: write_video(
        d / "a.mp4",
        24,
        "libx265",
        {"x265-params": f"pools=1:log-level=none:hdr10=1:master-display={MASTERING}:max-cll=1000,400:atc-sei=18"},
        pix_fmt="yuv420p10le",
    ),
    "light and grain in AV1": lambda d: write_video(
        d / "a.mkv", 24, "libsvtav1", {"preset": "12", "svtav1-params": f"keyint=12:film-grain=8:{SVT}"}
    ),
    "transparency": lambda d: write_video(
        d / "a.webm", 24, "libvpx-vp9", {"cpu-used": "8", "auto-alt-ref": "0"}, pix_fmt="yuva420p"
    ),
    "time code of groups": lambda d: write_video(
        d / "a.mpg", 24, "mpeg2video", {"gop_timecode": "01:00:00:00", "seq_disp_ext": "always", "bf": "2"}
    ),
    "time code of a track": lambda d: with_metadata(d / "a.mov", {"timecode": "01:00:00:00"}, {}),
    "stereo in a header": lambda d: with_metadata(d / "a.mkv", {"stereo_mode": "left_right"}, {}),
    "names and places": lambda d: with_metadata(
        d / "a.mov", {"language": "deu", "handler_name": "ü"}, {"location": "+48.1+11.5/", "title": "ü\n"}
    ),
}


@pytest.fixture(autouse=True)
def _quiet_encoders(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SVT_LOG", "1")


def test_side_data_of_every_kind(tmp_path: Path) -> None:
    """In a process of its own, which a fault of FFmpeg would end."""
    paths = {}
    for number, (kind, write) in enumerate(SIDE_DATA.items()):
        folder = tmp_path / str(number)
        folder.mkdir()
        try:
            paths[kind] = write(folder)
        except (av.codec.codec.UnknownCodecError, av.error.FFmpegError) as error:
            print(f"this build of PyAV does not write {kind}: {error}")
    assert len(paths) > len(SIDE_DATA) // 2
    code = (
        "import sys, warnings; warnings.simplefilter('error')\nimport numpy as np\n"
        "from infomerge.video import read_clip\n"
        "for path in sys.argv[1:]: np.save(path + '.npy', read_clip(path, 99).frames)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, paths.values())],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for kind, path in paths.items():
        frames, (shown, _) = np.load(f"{path}.npy"), sequential_frames(path)
        assert len(frames) == 24, kind
        assert np.array_equal(frames, shown), kind


@pytest.mark.parametrize("seed", range(16))
def test_streams_in_any_order(seed: int, tmp_path: Path) -> None:
    """A film with B-frames, with sounds and posters before and after it, its clock beginning anywhere."""
    draw = random.Random(seed)
    suffix = draw.choice(["mp4", "mov", "mkv", "nut", "ts", "avi", "asf"])
    film = write_video(tmp_path / "film.mp4", 40, options=X264_CLOSED)
    sources = [(write_audio(tmp_path / f"sound{i}.m4a"), 0) for i in range(draw.randint(0, 2))]
    if suffix in ("mkv", "mov", "nut") and draw.random() < 0.7:
        still = write_video(
            tmp_path / "still.mkv", 1, "mjpeg", {"strict": "unofficial"}, pix_fmt="yuvj420p", size=(64, 64)
        )
        sources.append((still, 0))
    draw.shuffle(sources)
    place = draw.randint(0, len(sources))
    sources.insert(place, (film, int(Disposition.default)))
    shift = draw.choice([0.0, 0.0, 1.5, 3600.0])
    path = remux(tmp_path / f"a.{suffix}", *sources, shift=shift)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        clip = read_clip(path, 500)
    assert [frame_number(frame) for frame in clip.frames] == list(range(40)), (suffix, place, shift)
    assert clip.timestamps == pytest.approx(np.arange(40) / 25, abs=1.1e-3), (suffix, place, shift)
    assert clip.metadata.stream == place
