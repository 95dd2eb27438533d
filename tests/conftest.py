"""Settings shared by all tests."""

import os

import torch
from hypothesis import settings

# Derandomised: a test suite that is green today is green tomorrow. Deadlines would be timed tests.
settings.register_profile("infomerge", deadline=None, derandomize=True, max_examples=60)
settings.load_profile("infomerge")

os.environ.setdefault("MPLBACKEND", "Agg")
# Bars appear after a second of work: on a slow machine they would stand in what the tests read of stderr.
os.environ["TQDM_DISABLE"] = "1"
torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "2")))
