"""FastVID (arXiv 2503.11187), from which InfoMerge has its segments and its merging: a configuration of InfoMerge."""

from infomerge.config import InfoMergeConfig
from infomerge.methods.infomerge import COUNT, OPTIONS
from infomerge.methods.method import Method
from infomerge.methods.registry import ROUNDED, register_method

register_method(
    Method(
        "fastvid",
        "FastVID",
        "FastVID: salient tokens of every frame, and density-based merging for each anchor frame",
        "Shen et al., FastVID, arXiv 2503.11187",
        "published",
        (
            COUNT,
            "A frame keeps floor((1 - d) r N) salient tokens, and the exact count leaves the context share; the "
            "published code rounds r N down first and the context share after it. Of 32 frames of 196 tokens at 5, 10 "
            "and 15 % it keeps 6, 12 and 18 salient tokens a frame and 96, 224 and 352 context tokens in all, here 5, "
            "11 and 17 and 154, 275 and 397.",
            "No noise on the densities: equal ones are ordered by position.",
            "An anchor's mean takes in the tokens that were not kept, not the anchors too.",
            "With every frame an anchor frame (anchor_interval=1) the published code merges within each frame; here "
            "each anchor frame takes in its whole segment.",
            ROUNDED,
            "Where the anchor frames cannot hold a segment's budget, further frames join.",
        ),
        OPTIONS,
        configure=InfoMergeConfig.fastvid,
    )
)
