"""The table of notebook 07 for patches of pixels, with no network: python -m benchmarks.patch_priors.

The clips, the disturbances with their patterns, and the columns are those of benchmarks/static_priors.py; only the
tokens are others. One table for its grid of 6 x 6 positions, one for 14 x 14, whose patches the clips' pixels fill
exactly. The clips are shared out among all cores.
"""

import math
from collections.abc import Iterator

from joblib import Parallel, delayed, parallel_config
from tqdm import tqdm

from benchmarks.condensing import RESULTS, write_table
from infomerge.encoded_clip import EncodedClip
from infomerge.encoders import PatchPixelEncoder
from infomerge.measure.detection import PRIORS, detection_rows
from infomerge.measure.sweep_items import pattern_seed
from infomerge.video import DISTURBANCES, scene_clip

CLIPS = range(100)
MEASURES = ("auroc", "average_precision", "candidate_precision")
ENCODERS = {
    "patch_priors": PatchPixelEncoder(image_size=192, patch_size=32),
    "patch_priors_14x14": PatchPixelEncoder(image_size=112, patch_size=8),
}
COLUMNS = [
    f"{segmentation}_{prior}_{measure}"
    for segmentation in ("scenes", "dyseg")
    for prior in PRIORS
    for measure in MEASURES
]


def conditions() -> list[tuple[str, float]]:
    """Every disturbance at its strengths, and the clean clip."""
    disturbed = [(name, strength) for name, found in DISTURBANCES.items() for strength in found.strengths]
    return [*disturbed, ("none", 0.0)]


def measured(encoder: PatchPixelEncoder, clip: int) -> dict[tuple[str, float], dict[str, float]]:
    """The columns of one clip under every condition."""
    known = EncodedClip.from_clip(scene_clip(clip), encoder)
    seed = pattern_seed(f"scene:{clip}", 0)
    found = {}
    for name, strength in conditions():
        # A strength of 0 leaves the clip clean, whatever the disturbance.
        rows = detection_rows(known, encoder, "shake" if name == "none" else name, strength, seed=seed)
        found[name, strength] = {
            f"{row['segmentation']}_{row['prior']}_{measure}": float(row[measure])
            for row in rows
            for measure in MEASURES
        }
    return found


def table_rows(found: dict[int, dict[tuple[str, float], dict[str, float]]]) -> Iterator[list[str]]:
    """One row for each condition and clip, in the order of the table of static priors."""
    for name, strength in sorted(conditions()):
        for clip, values in found.items():
            numbers = [values[name, strength][column] for column in COLUMNS]
            # What is undefined, as where all positions stand still, is left empty.
            cells = ["" if math.isnan(number) else f"{number:.4f}" for number in numbers]
            yield [f"scene:{clip}", name, f"{strength:g}", *cells]


def main() -> None:
    for stem, encoder in ENCODERS.items():
        with parallel_config(backend="loky", inner_max_num_threads=1):
            each = Parallel(n_jobs=-1, return_as="generator")(delayed(measured)(encoder, clip) for clip in CLIPS)
            found = dict(zip(CLIPS, tqdm(each, desc=stem, total=len(CLIPS)), strict=True))
        write_table(RESULTS / f"{stem}.csv", ["clip", "disturbance", "strength", *COLUMNS], table_rows(found))


if __name__ == "__main__":
    main()
