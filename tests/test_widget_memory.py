"""A cell that is run again and again, in a real kernel: what it made before is closed, and its memory is free again."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from jupyter_client.manager import KernelManager, start_new_kernel

SETUP = """
import ctypes, gc, json, sys, weakref
import ipywidgets, numpy as np, torch
from infomerge.widgets import BudgetExplorer, TokenLens
from infomerge.widgets.view import View

def resident():
    gc.collect()
    if sys.platform == "linux":
        # What is free again but kept by the C library for later says nothing of what the views hold.
        ctypes.CDLL(None).malloc_trim(0)
    pages = int(open("/proc/self/statm").read().split()[1])
    return pages * 4096 / 2**20

def live():
    gc.collect()
    return len(ipywidgets.Widget.widgets)

def made():
    tokens = torch.randn(8, 64, 512).cumsum(0)
    frames = np.random.default_rng(0).integers(0, 256, (8, 240, 320, 3)).astype(np.uint8)
    return BudgetExplorer(tokens, frames=frames, min_segments=2)
"""
EXPLORER = """
explorer = made()
explorer.pin()
explorer.set(temperature=2.0)
explorer._choose_tokens()
explorer
"""
LENS = """
clip = made()
TokenLens(clip.encoded, clip.compression())
"""
RERUNS = 50


@pytest.fixture
def kernel() -> Iterator[Any]:
    manager, client = start_new_kernel(kernel_name="python3")
    assert isinstance(manager, KernelManager)
    yield client
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def run(client: Any, code: str, cell: str) -> str:
    """Run a cell as a notebook does, which names it, and give what it printed."""
    content = {
        "code": code, "silent": False, "store_history": True, "user_expressions": {}, "allow_stdin": False,
        "stop_on_error": True,
    }  # fmt: skip
    message = client.session.msg("execute_request", content, metadata={"cellId": cell})
    client.shell_channel.send(message)
    printed = ""
    while True:
        told = client.get_iopub_msg(timeout=120)
        if told["parent_header"].get("msg_id") != message["header"]["msg_id"]:
            continue
        if told["msg_type"] == "stream" and told["content"]["name"] == "stdout":
            printed += told["content"]["text"]
        assert told["msg_type"] != "error", "\n".join(told["content"]["traceback"])
        if told["msg_type"] == "status" and told["content"]["execution_state"] == "idle":
            return printed


def measure(client: Any) -> tuple[int, float]:
    """How many widgets live, and megabytes of memory."""
    live, resident = json.loads(run(client, "print(json.dumps([live(), resident()]))", "measure"))
    return live, resident


@pytest.mark.parametrize("code", [EXPLORER, LENS], ids=["explorer", "lens"])
def test_fifty_reruns_leave_one_view_and_its_memory(kernel: Any, code: str) -> None:
    run(kernel, SETUP, "setup")
    for _ in range(5):
        run(kernel, code, "view")
    live, before = measure(kernel)
    for _ in range(RERUNS):
        run(kernel, code, "view")
    again, after = measure(kernel)
    print(f"{RERUNS} re-runs: {live} widgets then {again}, {before:.0f} MiB then {after:.0f}")
    assert again == live <= 4
    # One clip's pictures and tokens are 2.8 MB: views that stayed would hold 140.
    assert after - before < 20


def test_views_of_other_cells_and_of_one_cell_live_side_by_side(kernel: Any) -> None:
    run(kernel, SETUP, "setup")
    run(kernel, "first, second = made(), made()", "two")
    run(kernel, "third = made()", "one")
    found = run(kernel, "print([each.closed for each in (first, second, third)])", "ask")
    assert found.strip() == "[False, False, False]"
    run(kernel, "old = first, second\nfirst, second = made(), made()", "two")
    found = run(kernel, "print([each.closed for each in (*old, first, second, third)])", "ask")
    assert found.strip() == "[True, True, False, False, False]"


def test_closing_frees_a_view_that_is_still_named(kernel: Any) -> None:
    run(kernel, SETUP, "setup")
    run(kernel, "explorer = made(); tokens = weakref.ref(explorer.encoded.tokens); before = live()", "make")
    found = run(kernel, "explorer.close()\nprint(before, live(), tokens() is None)", "close")
    assert found.split() == ["2", "0", "True"]
