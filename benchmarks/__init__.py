"""Speed and memory, measured as ratios within one run. No test depends on them."""
