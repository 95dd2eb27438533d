"""A real JupyterLab or Notebook 7 for tests, on copies of the notebooks, and the steps of a person who opens one."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page

ROOT = Path(__file__).parent.parent
PATIENCE_MS = 120_000
"""How long a busy machine may take for a step that takes a second on an idle one."""
ARTIFACTS = ROOT / "test-artifacts"
"""Screenshots that the tests leave to be looked at."""


APPLICATIONS = {"jupyterlab": "LabApp", "notebook": "JupyterNotebookApp"}
"""The packages with an application that can be served, and what its options begin with."""


@contextmanager
def serving(folder: Path, package: str = "jupyterlab") -> Iterator[str]:
    """An application whose root holds copies of notebooks/ and data/; yields its address, token included."""
    for name in ("notebooks", "data"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
    own = {f"JUPYTER_{name}_DIR": str(folder / f".jupyter-{name}") for name in ("CONFIG", "RUNTIME")}
    own["JUPYTERLAB_SETTINGS_DIR"] = str(folder / ".settings")
    own["JUPYTERLAB_WORKSPACES_DIR"] = str(folder / ".workspaces")
    command = [sys.executable, "-m", package, "--no-browser", "--allow-root", "--ServerApp.ip=127.0.0.1"]
    # The page's own application object tells when a notebook is ready to be run; without it a click may come too early.
    command += [f"--{APPLICATIONS[package]}.expose_app_in_browser=True", f"--ServerApp.root_dir={folder}"]
    server = subprocess.Popen(
        command, env=os.environ | own, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, cwd=folder
    )
    log = folder / "jupyter.log"
    try:
        address = None
        for line in server.stderr:
            found = re.search(r"http://127\.0\.0\.1:\d+/(lab|tree)\?token=\w+", line)
            if found:
                address = found.group(0)
                break
        assert address is not None, f"{package} ended before it told its address"
        with log.open("w") as rest:
            # Someone has to go on reading, or the server blocks when the pipe is full.
            reader = subprocess.Popen(["cat"], stdin=server.stderr, stdout=rest)
            yield address
            reader.terminate()
    finally:
        server.terminate()
        server.wait(20)


def open_and_run(page: Page, address: str, name: str) -> None:
    """Open a notebook, wait for its kernel, and run all of its cells to the end."""
    open_notebook(page, address, name)
    page.evaluate("() => window.jupyterapp.commands.execute('notebook:run-all-cells')")


def open_notebook(page: Page, address: str, name: str) -> None:
    """Open a notebook, and wait for its kernel."""
    address, token = address.split("?")
    # JupyterLab opens files below /lab/tree, Notebook below /notebooks.
    folder = f"{address}/tree" if address.endswith("/lab") else address.removesuffix("tree") + "notebooks"
    page.goto(f"{folder}/notebooks/{name}.ipynb?{token}&reset")
    page.wait_for_function("window.jupyterapp !== undefined", timeout=PATIENCE_MS)
    page.evaluate("async () => { await window.jupyterapp.restored; window.jupyterapp.shell.collapseLeft(); }")
    page.wait_for_function("window.jupyterapp.shell.currentWidget?.context !== undefined", timeout=PATIENCE_MS)
    page.evaluate(
        """async () => {
            const panel = window.jupyterapp.shell.currentWidget;
            await panel.context.ready;
            await panel.sessionContext.ready;
            await panel.sessionContext.session.kernel.info;
        }"""
    )


def failed_outputs(page: Page) -> list[str]:
    """The tracebacks that the notebook shows."""
    return page.evaluate(
        """() => window.jupyterapp.shell.currentWidget.content.model.sharedModel.cells
            .flatMap((cell) => cell.toJSON().outputs ?? [])
            .filter((output) => output.output_type === "error").map((output) => output.evalue)"""
    )
