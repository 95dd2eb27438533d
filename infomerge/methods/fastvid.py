"""FastVID (arXiv 2503.11187), from which InfoMerge has its segments and its merging: a configuration of InfoMerge."""

from infomerge.config import InfoMergeConfig
from infomerge.methods.infomerge import COUNT, OPTIONS
from infomerge.methods.method import Method
from infomerge.methods.registry import register_method

register_method(
    Method(
        "fastvid",
        "FastVID",
        "FastVID: salient tokens of every frame, and density-based merging for each anchor frame",
        "Shen et al., FastVID, arXiv 2503.11187",
        "published",
        (
            COUNT,
            "A frame keeps floor((1 - d) r N) salient tokens; the published code rounds r N down first and the context "
            "share after it, which of 196 tokens at 10 % makes 12, not 11.",
            "No noise on the densities: equal ones are ordered by position.",
            "An anchor's mean takes in the tokens that were not kept, not the anchors too.",
            "Where the anchor frames cannot hold a segment's budget, further frames join.",
        ),
        OPTIONS,
        configure=InfoMergeConfig.fastvid,
    )
)
