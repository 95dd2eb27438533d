"""One run on one clip as a record: plain numbers under a versioned schema, for compression.json and for tables.

Version 2 has `method`, any method with its options, of which `infomerge.methods.make_compressor(**record["method"])` is
the way back; and the option `neighbors` of `config` is spelled so. Where the method is no configuration of InfoMerge,
`config` is null, segments have no budgets, and `transition_similarity` is left out. Version 1 was for configurations of
InfoMerge alone.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from infomerge.compression import Compression, InfoMergeTrace, rows_of
from infomerge.encoded_clip import EncodedClip
from infomerge.methods import Compressor

SCHEMA = "infomerge.compression"
SCHEMA_VERSION = 2


def segment_records(
    out: Compression, timestamps: Float[np.ndarray, "frames"] | None, duration: float | None = None
) -> list[dict[str, Any]]:
    """One record a segment: its place in frames and seconds, and every number that its budget came from.

    `first_seconds` and `last_seconds` are when its first and its last frame are first shown, `begins_seconds` and
    `ends_seconds` half-way to the frames beside them, without gaps between segments. Numbers of budgets and static
    candidates are those of InfoMerge's stages; other methods have none. Seconds are None where there are no timestamps.
    """
    rows = rows_of(out.to_columns("segments", timestamps=timestamps, duration=duration))
    nowhere = dict.fromkeys(_SECONDS) if timestamps is None else {}
    return [nowhere | row for row in rows]


_SECONDS = ("first_seconds", "last_seconds", "begins_seconds", "ends_seconds")


def compare_cuts(found: Sequence[int], true: Sequence[int]) -> dict[str, list[int]]:
    """Segment boundaries against known cuts, both as the frame before: which were hit, missed and added."""
    return {
        "found": [cut for cut in true if cut in found],
        "missed": [cut for cut in true if cut not in found],
        "added": [cut for cut in found if cut not in true],
    }


def record(encoded: EncodedClip, out: Compression, compressor: Compressor | None = None) -> dict[str, Any]:
    """Everything about a run that a reader of its JSON needs; frames count from 0, segments from 1.

    Args:
        encoded: the clip that was compressed.
        out: the compression.
        compressor: what made it, to record its ratio and options; without one, the method's name is all there is.
    """
    from infomerge import __version__

    facts, source = encoded.metadata, encoded.timestamps
    result = {
        "schema": SCHEMA,
        "schema_version": SCHEMA_VERSION,
        "infomerge": __version__,
        "clip": {
            "name": encoded.name,
            "frames": len(encoded.tokens),
            "timestamps_seconds": None if source is None else source.tolist(),
            "source_frames": None if facts is None else list(facts.frame_indices),
            "reader": None if facts is None else facts.reader,
            "truncated": facts is not None and facts.truncated,
        },
        "encoder": {"name": encoded.encoder, "saliency": encoded.saliency_source, "grid": list(encoded.grid)},
        **out.record,
        "method": {"method": out.method} if compressor is None else compressor.to_dict(),
        "segments": segment_records(out, encoded.timestamps, encoded.duration),
    }
    if isinstance(out.trace, InfoMergeTrace):
        result["transition_similarity"] = out.trace.transition.tolist()
    result |= {"kept_index": out.index.tolist(), "kept_is_context": out.is_context.int().tolist()}
    if encoded.truth is not None:
        boundaries = [end - 1 for _, end in out.trace.bounds[:-1]]
        result["cuts_after_frames"] = compare_cuts(boundaries, encoded.true_cuts)
    return result
