"""What figures are called."""

from infomerge.compression import Compression
from infomerge.encoded_clip import EncodedClip


def kept_title(clip: EncodedClip | str, out: Compression) -> str:
    """Which clip, at which ratio, how many tokens were asked for and how many of each kind are kept.

    Args:
        clip: the clip, or what it is called.
        out: the compression of its tokens.
    """
    name = clip if isinstance(clip, str) else clip.name
    share = out.requested / len(out.assignment) if out.config is None else out.config.retention_ratio
    context = int(out.is_context.sum())
    counts = f"{out.requested} tokens requested, {out.kept} kept ({out.kept - context} salient, {context} context)"
    return f"{name} at {100 * share:.3g} %: {counts}"
