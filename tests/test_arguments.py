"""Arguments of other kinds, given to functions that are called by hand: one error that names the argument.

In a process without the tests' own checks of types, as users have it.
"""

import subprocess
import sys
from pathlib import Path

import pytest

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

ARRAYS = """
import warnings
import numpy as np, torch
from infomerge import EncodedClip

tokens = torch.randn(4, 9, 8)
shapes = {
    "tokens": (4, 9, 8), "frames": (4, 6, 6, 3), "timestamps": (4,), "saliency": (4, 9), "frame_features": (4, 5),
    "layers": (2, 4, 9, 5), "grid": (2,),
}
wrong = []
for name, shape in shapes.items():
    plain = torch.ones(shape)
    odd = [
        "x", 3, float("nan"), 10**400, {}, {1}, [None], [[1], [1, 2]], print, torch.tensor(1.0), torch.zeros(0),
        plain.to_sparse(), plain.to("meta"), plain.to(torch.complex64),
        torch.quantize_per_tensor(plain, 0.1, 0, torch.quint8), torch.nested.nested_tensor([plain.flatten()] * 2),
        torch.nested.nested_tensor([torch.zeros(2, 8), torch.zeros(3, 8)]),
        torch.nested.nested_tensor([torch.zeros(2, 8), torch.zeros(3, 8)], layout=torch.jagged),
        torch.nested.nested_tensor([torch.zeros(2, 6, 3), torch.zeros(3, 6, 3)]),
        np.empty(shape, object), np.full(shape, "a"), np.full(shape, np.datetime64("2020-01-01")),
        np.ma.masked_all(shape), plain * float("nan"),
    ]
    in_part = np.ma.array(np.ones(shape, np.uint8 if name == "frames" else np.float32), mask=np.zeros(shape))
    in_part[0] = np.ma.masked
    odd.append(in_part)
    odd += [np.arange(4) + 1j, in_part + np.arange(4)] if name == "timestamps" else []
    odd += [(4.5, 2), (3, 3, 1)] if name == "grid" else []
    for value in odd:
        try:
            EncodedClip.from_arrays(**({"tokens": tokens} | {name: value}))
        except (TypeError, ValueError) as error:
            if not str(error).startswith(f"{name}: got") or "expected" not in str(error) or "\\n" in str(error):
                wrong.append((name, type(value), str(error)))
        except BaseException as error:
            wrong.append((name, type(value), repr(error)))
        else:
            wrong.append((name, type(value), "taken"))
pictures = torch.rand(4, 6, 6, 3)
for kind in (torch.float64, torch.float16, torch.bfloat16):
    taken = EncodedClip.from_arrays(tokens, frames=pictures.to(kind)).frames
    if not np.array_equal(taken, np.rint(pictures.to(kind).double().numpy() * 255)):
        wrong.append(("frames", kind))
for grid in ((3, 3), [3, 3], np.array([3, 3]), torch.tensor([3, 3])):
    if EncodedClip.from_arrays(tokens, grid=grid).grid != (3, 3):
        wrong.append(("grid", grid))
assert not wrong, wrong
"""


@pytest.mark.parametrize("program", [ODD, ARRAYS], ids=["by hand", "from arrays"])
def test_what_is_called_by_hand_names_its_argument(program: str, tmp_path: Path) -> None:
    root = Path(__file__).parent.parent
    command = [sys.executable, "-W", "ignore", "-c", f"import sys; sys.path.insert(0, {str(root)!r})" + program]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert not list(tmp_path.iterdir())
