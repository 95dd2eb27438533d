"""Configurations worth starting from, by name: those of the papers and of their tables."""

import warnings
from collections.abc import Callable, Mapping

from infomerge.config import InfoMergeConfig, PresetWarning

PRESETS: Mapping[str, Callable[[float], InfoMergeConfig]] = {
    "InfoMerge, 5 % (Table 7)": lambda ratio: InfoMergeConfig.paper(0.05),
    "InfoMerge, 10 % (Table 7)": lambda ratio: InfoMergeConfig.paper(0.10),
    "InfoMerge, 15 % (Table 7)": lambda ratio: InfoMergeConfig.paper(0.15),
    "FastVID": InfoMergeConfig.fastvid,
    "Table 4: baseline": lambda r: InfoMergeConfig.paper(r, static_prior="none", allocation="length"),
    "Table 4: TFD": lambda r: InfoMergeConfig.paper(r, allocation="length"),
    "Table 4: TFD + uniqueness": lambda r: InfoMergeConfig.paper(r, richness_weight=0.0),
    "Table 4: TFD + richness": lambda r: InfoMergeConfig.paper(r, uniqueness_weight=0.0),
    "Table 4: all (InfoMerge)": InfoMergeConfig.paper,
    "Table 5: Adjacent + CABA": lambda r: InfoMergeConfig.paper(r, static_prior="adjacent"),
}
"""Configurations by name. The first three bring their own retention ratio, the others take the present one."""


def preset(name: str, retention_ratio: float) -> tuple[InfoMergeConfig, str]:
    """A named configuration, and what its source has to say about this retention ratio ("" if nothing).

    Raises:
        ValueError: there is no preset of that name.
    """
    if name not in PRESETS:
        raise ValueError(f"preset: found {name!r}; accepted are {', '.join(map(repr, PRESETS))}")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", PresetWarning)
        config = PRESETS[name](retention_ratio)
    return config, "; ".join(str(warning.message) for warning in caught)
