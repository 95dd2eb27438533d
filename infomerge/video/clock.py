"""Times that ascend and add up, whatever the clock of a container does.

Recordings that were joined, live streams and broadcasts carry clocks that start anew, jump, or run over; AVI knows
no times at all but the order in which pictures are decoded. `Clock` mends the times of packets as ffmpeg does, before
they are decoded, and `ascending` those of the frames that come out.
"""

from bisect import bisect_left
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from typing import cast

from infomerge.extras import needs
from infomerge.video.source import AnyPacket

with needs("video"):
    from av.container import InputContainer
    from av.format import Flags
    from av.video.stream import VideoStream

# ffmpeg's thresholds (`dts_delta_threshold`, and a tenth of a second backwards).
_JUMP_S = 10
_BACKWARDS_S = Fraction(1, 10)

# Where neither the file nor the codec says how fast frames follow each other, FFmpeg assumes this rate.
_DEFAULT_RATE = Fraction(25)

# A decoder holds back no more than this many pictures in order to show them in their order.
_MOST_REORDERED = 16


def ticks_per_frame(stream: VideoStream) -> Fraction:
    """How many units of the stream's time base a frame lasts on average, at least one."""
    rate = stream.average_rate or stream.guessed_rate or _DEFAULT_RATE
    return max(Fraction(1), 1 / (rate * (stream.time_base or 1)))


class Clock:
    """Lets the times of one stream's packets, given in the order of the file, go on where the file's clock does not.

    A clock that goes back does so in every container. One that jumps ahead by more than ten seconds is only taken
    for a fault in formats of broadcasts, whose clocks may do so; elsewhere the picture before the gap is shown so long.
    """

    def __init__(self, container: InputContainer, stream: VideoStream) -> None:
        time_base = stream.time_base or Fraction(1)
        may_jump = container.format.flags & cast(int, Flags.ts_discont.value)
        self._jump = round(_JUMP_S / time_base) if may_jump else None
        self._backwards = _BACKWARDS_S / time_base
        self._step = round(ticks_per_frame(stream))
        self._offset = 0
        self._last: int | None = None
        self._next = 0
        self._latest_pts: int | None = None

    @property
    def is_steady(self) -> bool:
        """Whether all times so far stayed as they were."""
        return not self._offset

    def correct(self, packet: AnyPacket) -> None:
        """Shift a packet's times in place."""
        if not packet.is_discard:
            self._follow(packet)
        if packet.dts is not None:
            packet.dts += self._offset
        if packet.pts is not None:
            packet.pts += self._offset
            if not packet.is_discard:
                self._latest_pts = packet.pts if self._latest_pts is None else max(packet.pts, self._latest_pts)

    def _follow(self, packet: AnyPacket) -> None:
        """Move the offset where the packet's time of decoding, which ascends in a sound file, restarts or jumps."""
        after_all_shown = None
        # Only a keyframe is certain to be shown after all that stand before it.
        if packet.is_keyframe and packet.pts is not None and self._latest_pts is not None:
            after_all_shown = self._latest_pts + self._step - packet.pts - self._offset
        if packet.dts is None:
            if after_all_shown is not None and after_all_shown > self._backwards:
                self._offset += after_all_shown
            return
        time = packet.dts + self._offset
        if self._last is not None:
            jumped = self._jump is not None and abs(time - self._next) > self._jump
            if jumped or time + self._backwards < self._last:
                after_last = self._next - time
                self._offset += after_last if after_all_shown is None else max(after_last, after_all_shown)
        self._last = packet.dts + self._offset
        self._next = self._last + (packet.duration or self._step)


def ascending(times: Sequence[int | None], step: Fraction, decoding: Sequence[int | None] = ()) -> list[int]:
    """Times of all frames in the order in which they are shown, each later than the one before.

    Times that ascend stay as they are. Where neighbors are in a wrong order, the times are right and their order is
    not (those of AVI follow the order of decoding). Where single times are far off, or missing, neighbors give them.

    Args:
        times: of each frame, None where it has none.
        step: how long a frame lasts.
        decoding: when each packet is to be decoded. Where there is a packet for each frame, and the times that they
            are to be shown at are not even distinct, frames follow each other as their packets do.
    """
    if all(time is None for time in times):
        return _apart([round(number * step) for number in range(len(times))])
    known = [(place, time) for place, time in enumerate(times) if time is not None]
    if not _ascend([time for _, time in known]):
        clock = [time for time in decoding if time is not None]
        if len(clock) == len(times) > len({time for _, time in known}) and _ascend(clock):
            return clock
        order = sorted(range(len(known)), key=lambda i: known[i][1])
        if all(abs(place - i) <= _MOST_REORDERED for i, place in enumerate(order)):
            known = [(known[i][0], known[order[i]][1]) for i in range(len(known))]
        else:
            known = _longest_ascending(known)
    return _apart(_between(known, len(times), step))


def _ascend(times: list[int]) -> bool:
    return all(earlier < later for earlier, later in pairwise(times))


def _longest_ascending(known: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """As many of these (place, time) as can be kept for their times to ascend."""
    ends: list[int] = []
    end_places: list[int] = []
    before: list[int] = []
    for place, (_, time) in enumerate(known):
        length = bisect_left(ends, time)
        ends[length : length + 1] = [time]
        end_places[length : length + 1] = [place]
        before.append(end_places[length - 1] if length else -1)
    kept, place = [], end_places[-1]
    while place >= 0:
        kept.append(known[place])
        place = before[place]
    return kept[::-1]


def _between(known: list[tuple[int, int]], count: int, step: Fraction) -> list[int]:
    """The known times in their places, and between them times at equal distances."""
    (first, first_time), (last, last_time) = known[0], known[-1]
    result = [round(first_time - (first - place) * step) for place in range(first)]
    for (place, time), (following, following_time) in pairwise(known):
        gap = Fraction(following_time - time, following - place)
        result += [round(time + i * gap) for i in range(following - place)]
    return result + [round(last_time + i * step) for i in range(count - last)]


def _apart(times: list[int]) -> list[int]:
    """Frames that would be shown at one time or earlier than the one before, one unit of time later than it."""
    for i in range(1, len(times)):
        times[i] = max(times[i], times[i - 1] + 1)
    return times
