"""The exercises in their order, one file each."""

from infomerge.course.exercises import (
    candidates,
    fingerprint,
    merged,
    neighbor_similarity,
    paired_difference,
    repeated_share,
    richness,
    shares,
    split,
    tfd,
    uniqueness,
    weights,
)

EXERCISES = {
    module.EXERCISE.name: module.EXERCISE
    for module in (
        neighbor_similarity,
        repeated_share,
        fingerprint,
        tfd,
        candidates,
        uniqueness,
        richness,
        weights,
        shares,
        split,
        merged,
        paired_difference,
    )
}
"""By name."""
