"""Arguments of other kinds, given to functions that are called by hand: one error that names the argument.

In a process without the tests' own checks of types, as users have it.
"""

import subprocess
import sys
from pathlib import Path

ODD = """
import numpy as np, torch
from infomerge import EncodedClip, compress
from infomerge.video import read_clip, save_clip

tokens = torch.randn(4, 9, 8)
out = compress(tokens, retention_ratio=0.3)
odd = [
    None, "x", 3, float("nan"), [1], {}, 10**400, print, np.zeros((4, 9, 8)), torch.tensor(1.0), torch.zeros(3),
    torch.zeros(4, 9), torch.zeros(1, 4, 9, 8), torch.zeros(4, 9, 0), torch.zeros(3, 9, 8), tokens.to_sparse(),
    torch.nested.nested_tensor([torch.zeros(2, 8), torch.zeros(3, 8)]),
]
calls = {
    "features": [out.carry, out.plan.merge],
    "kept": [out.plan.unmerge],
    "frames": [lambda value: save_clip(value, "never.mp4")],
    "timestamps": [lambda value: EncodedClip.from_arrays(tokens, timestamps=value)],
    "precision": [lambda value: compress(tokens, retention_ratio=0.3, precision=value)],
    "path": [read_clip],
}
wrong = []
for name, functions in calls.items():
    for value in odd:
        if (name in ("precision", "timestamps") and value is None) or (name == "path" and isinstance(value, str)):
            continue
        for function in functions:
            try:
                function(value)
            except (TypeError, ValueError) as error:
                if not str(error).startswith(name):
                    wrong.append((name, type(value), str(error)))
            except BaseException as error:
                wrong.append((name, type(value), repr(error)))
            else:
                wrong.append((name, type(value), "taken"))
assert not wrong, wrong
"""


def test_what_is_called_by_hand_names_its_argument(tmp_path: Path) -> None:
    root = Path(__file__).parent.parent
    command = [sys.executable, "-W", "ignore", "-c", f"import sys; sys.path.insert(0, {str(root)!r})" + ODD]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert not list(tmp_path.iterdir())
