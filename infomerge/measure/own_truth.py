"""How a compression fares on what is known of a clip: its cuts, and when something happens in it."""

import math

from infomerge.compression import Compression
from infomerge.encoded_clip import EncodedClip

CUTS = ("cuts_true", "cuts_found", "cuts_extra")
EVENTS = ("event_frames", "event_kept", "event_context")


def cuts(clip: EncodedClip, out: Compression) -> dict[str, float]:
    """How many true cuts there are between the sampled frames, how many segments end at one, and how many elsewhere.

    NaN where nothing is known about the clip.
    """
    if clip.truth is None:
        return dict.fromkeys(CUTS, math.nan)
    true = set(clip.true_cuts)
    found = {end - 1 for _, end in out.trace.bounds[:-1]}
    return dict(zip(CUTS, (len(true), len(true & found), len(found - true)), strict=True))


def events(clip: EncodedClip, out: Compression) -> dict[str, float]:
    """The events' shares of the sampled frames, of the kept tokens and of the context tokens.

    Above the first, a method favours them. NaN where no event is known.
    """
    if clip.truth is None or not clip.truth.events or clip.timestamps is None:
        return dict.fromkeys(EVENTS, math.nan)
    during = clip.truth.in_event(clip.timestamps)
    frames, context = out.frame.cpu().numpy(), out.is_context.cpu().numpy()
    kept = during[frames]
    shares = (during.mean(), kept.mean(), kept[context].mean() if context.any() else math.nan)
    return dict(zip(EVENTS, map(float, shares), strict=True))
