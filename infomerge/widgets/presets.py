"""Configurations worth starting from, by name: those of the papers and of their tables."""

import warnings
from collections.abc import Mapping

from infomerge.config import InfoMergeConfig, PresetWarning
from infomerge.methods import make_compressor

PRESETS: Mapping[str, tuple[str, float | None]] = {
    "InfoMerge, 5 % (Table 7)": ("infomerge", 0.05),
    "InfoMerge, 10 % (Table 7)": ("infomerge", 0.10),
    "InfoMerge, 15 % (Table 7)": ("infomerge", 0.15),
    "FastVID": ("fastvid", None),
    "Table 4: baseline": ("table4-none", None),
    "Table 4: TFD": ("table4-tfd", None),
    "Table 4: TFD + uniqueness": ("table4-tfd+uniqueness", None),
    "Table 4: TFD + richness": ("table4-tfd+richness", None),
    "Table 4: all (InfoMerge)": ("table4-full", None),
    "Table 5: Adjacent + CABA": ("infomerge-adjacent", None),
}
"""Methods that are configurations of InfoMerge. Some bring a retention ratio, the others take the present one."""


def preset(name: str, retention_ratio: float) -> tuple[InfoMergeConfig, str]:
    """A named configuration, and what its source has to say about this retention ratio ("" if nothing).

    Raises:
        ValueError: there is no preset of that name.
    """
    if name not in PRESETS:
        raise ValueError(f"preset: got {name!r}; expected {', '.join(map(repr, PRESETS))}")
    method, own = PRESETS[name]
    config = make_compressor(method, retention_ratio=own or retention_ratio).config
    assert config is not None
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", PresetWarning)
        if method != "fastvid":  # which has no part of the table
            InfoMergeConfig.paper(config.retention_ratio)
    return config, "; ".join(str(warning.message) for warning in caught)
