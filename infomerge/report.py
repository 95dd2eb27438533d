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

from infomerge.compression import Compression, InfoMergeTrace
from infomerge.encoded_clip import EncodedClip
from infomerge.methods import Compressor

SCHEMA = "infomerge.compression"
SCHEMA_VERSION = 2


def segment_records(out: Compression, timestamps: Float[np.ndarray, "frames"] | None) -> list[dict[str, Any]]:
    """One record a segment: its place in frames and seconds, and every number that its budget came from.

    Numbers of budgets and static candidates are those of InfoMerge's stages; other methods have none. Seconds are None
    where there are no timestamps.
    """
    trace = out.trace
    kept = trace.segment_of_frame[out.frame].bincount(minlength=len(trace.segments))
    columns = {"uniqueness": trace.uniqueness.tolist(), "richness": trace.richness.tolist()}
    if isinstance(trace, InfoMergeTrace):
        columns |= {
            "weight": trace.weight.tolist(),
            "budget": trace.budget.tolist(),
            "length_budget": trace.length_budget.tolist(),
            "static_candidates": trace.static.sum(1).tolist(),
        }
    columns["kept"] = kept.tolist()
    times = None if timestamps is None else timestamps.tolist()
    return [
        {
            "segment": number + 1,
            "first_frame": start,
            "last_frame": end - 1,
            "first_seconds": None if times is None else times[start],
            "last_seconds": None if times is None else times[end - 1],
            **{name: values[number] for name, values in columns.items()},
        }
        for number, (start, end) in enumerate(trace.bounds)
    ]


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
        "method": {"method": out.method} if compressor is None else compressor.to_dict(),
        "config": None if out.config is None else out.config.to_dict(),
        "tokens": len(out.assignment),
        "requested": out.requested,
        "kept": out.kept,
        "salient": int((~out.is_context).sum()),
        "context": int(out.is_context.sum()),
        "segments": segment_records(out, encoded.timestamps),
    }
    if isinstance(out.trace, InfoMergeTrace):
        result["transition_similarity"] = out.trace.transition.tolist()
    result |= {"kept_index": out.index.tolist(), "kept_is_context": out.is_context.int().tolist()}
    if encoded.truth is not None:
        boundaries = [end - 1 for _, end in out.trace.bounds[:-1]]
        result["cuts_after_frames"] = compare_cuts(boundaries, encoded.true_cuts)
    return result
