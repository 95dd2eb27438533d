"""What a sparse sample of a long clip costs, beside decoding all of it: `python -m benchmarks.long_clip`.

The clip is real where the sample clips are installed: bigbuckbunny, scaled to the asked height, is encoded once by
x264 with a keyframe every 250 frames (its default) and B-frames, and then repeated without encoding until it is long
enough, as a concatenation of closed groups. Prints the median times, their share of the full decode's time and
whether the frames are equal bit for bit. The full decode is one pass of PyAV over the file with all cores. Of a very
long clip, `--decode-minutes` decodes only the beginning and scales its time: all groups are alike. The frames are
then not compared.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from fractions import Fraction
from itertools import islice
from pathlib import Path

import av
import numpy as np
from rich.console import Console
from rich.table import Table

from infomerge.video import read_clip, sample_clip
from infomerge.video.pyav_reader import read_in_order
from infomerge.video.source import AnyPacket
from infomerge.video.survey import survey

RATE = 25
X264 = "keyint=250:min-keyint=250:scenecut=0:bframes=3:open-gop=0"


def write_long_clip(path: Path, minutes: float, height: int) -> Path:
    """An mp4 of the asked length, of one encoded group of 250 frames that is repeated."""
    source = sample_clip("bigbuckbunny", num_frames=125).frames
    frames = np.concatenate([source, source[::-1]])
    group = path.with_name("group.mp4")
    width = round(height * 16 / 9 / 2) * 2
    with av.open(str(group), "w") as container:
        stream = container.add_stream("libx264", rate=RATE, options={"preset": "fast", "x264-params": X264})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for picture in frames:
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            container.mux(stream.encode(frame.reformat(width, height, "yuv420p")))
        container.mux(stream.encode(None))
    with av.open(str(group)) as reader, av.open(str(path), "w") as writer:
        template = reader.streams.video[0]
        time_base = template.time_base or Fraction(1)
        copy = writer.add_stream_from_template(template)
        packets = [(p.pts, p.dts, p.is_keyframe, bytes(p)) for p in reader.demux(template) if p.size]
        ticks = round(len(packets) / (RATE * (time_base)))
        for repeat in range(round(minutes * 60 * RATE / len(packets))):
            for pts, dts, is_keyframe, data in packets:
                packet: AnyPacket = av.Packet(data)
                packet.pts, packet.dts = (pts or 0) + repeat * ticks, (dts or 0) + repeat * ticks
                packet.is_keyframe, packet.time_base, packet.stream = is_keyframe, time_base, copy
                writer.mux(packet)
    group.unlink()
    return path


def decode(path: Path, count: int) -> int:
    """Decode frames from the beginning and convert nothing: the least that reading in order costs."""
    with av.open(str(path)) as container:
        container.streams.video[0].thread_type = "AUTO"
        return sum(1 for _ in islice(container.decode(video=0), count))


def seconds(work: Callable[[], object], repeats: int) -> tuple[float, float]:
    """Median wall time and median processor time of all threads; the latter tells even on a busy machine."""
    walls, processors = [], []
    for _ in range(repeats):
        wall, processor = time.perf_counter(), time.process_time()
        work()
        walls.append(time.perf_counter() - wall)
        processors.append(time.process_time() - processor)
    return statistics.median(walls), statistics.median(processors)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--decode-minutes", type=float, help="default: all")
    parser.add_argument("--height", type=int, default=1080)
    parser.add_argument("--frames", type=int, default=32)
    parser.add_argument("--repeats", type=int, default=3)
    asked = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        path = write_long_clip(Path(folder) / "long.mp4", asked.minutes, asked.height)
        found = survey(path)
        count = len(found.packets)
        decoded = count if asked.decode_minutes is None else min(count, round(asked.decode_minutes * 60 * RATE))
        wall, processor = (part * count / decoded for part in seconds(lambda: decode(path, decoded), 1))
        table = Table("reading", "wall time (s)", "of full", "processor time (s)", "of full")
        rows = {
            "full decode, nothing converted": (wall, processor),
            "index of the packets alone": seconds(lambda: survey(path), asked.repeats),
            "read_clip, PyAV": seconds(lambda: read_clip(path, asked.frames, reader="pyav"), asked.repeats),
            "read_clip, automatic": seconds(lambda: read_clip(path, asked.frames), asked.repeats),
        }
        for name, (own, cpu) in rows.items():
            table.add_row(name, f"{own:.2f}", f"{own / wall:.1%}", f"{cpu:.2f}", f"{cpu / processor:.1%}")
        console = Console()
        console.print(f"{count} frames of {asked.height} lines, {count / RATE / 60:.1f} min; {asked.frames} are taken")
        console.print(table)
        if decoded < count:
            console.print(f"Of the full decode, {decoded} frames were timed; the rest is scaled.")
            return
        in_order = read_in_order(found, asked.frames).frames
        equal = np.array_equal(read_clip(path, asked.frames, reader="pyav").frames, in_order)
        console.print("Frames equal those of decoding in order, bit for bit." if equal else "FRAMES DIFFER.")


if __name__ == "__main__":
    main()
