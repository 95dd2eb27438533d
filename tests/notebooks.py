"""Execute the notebooks: `python -m tests.notebooks --in-place` writes them back as they are committed."""

import argparse
import re
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode

from infomerge.widgets.pages import KINDS
from infomerge.widgets.view import STANDIN

FOLDER = Path(__file__).parent.parent / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))


def execute(path: Path) -> NotebookNode:
    """The notebook, run from top to bottom in its own folder; raises at the first cell that fails."""
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(notebook, timeout=600, kernel_name="python3", resources={"metadata": {"path": FOLDER}}).execute()
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)  # when each cell ran would change with every run
        if cell.cell_type == "code":
            cell.outputs = _settled(cell.outputs)
    # A view's output holds its state and a picture of it; the state of its widget would say the same again.
    notebook.metadata.pop("widgets", None)
    notebook.metadata["language_info"] = {"name": "python"}
    return notebook


def _settled(outputs: list[NotebookNode]) -> list[NotebookNode]:
    """A cell's outputs without what changes from run to run: addresses, where the stream was flushed."""
    settled: list[NotebookNode] = []
    for output in outputs:
        if STANDIN in output.get("data", {}).get("text/html", ""):
            continue
        if KINDS.keys() & output.get("data", {}).keys():
            # No kernel holds the widget any more; JupyterLab would look for it instead of showing the picture.
            output["data"].pop("application/vnd.jupyter.widget-view+json", None)
        if "text/plain" in output.get("data", {}):
            output["data"]["text/plain"] = re.sub(r" at 0x[0-9a-f]+", "", output["data"]["text/plain"])
        if settled and output.output_type == settled[-1].output_type == "stream":
            settled[-1]["text"] += output["text"]
        else:
            settled.append(output)
    return settled


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--in-place", action="store_true", help="write the executed notebooks back")
    parser.add_argument("names", nargs="*", help="notebooks to run, such as 00_start_here; all by default")
    arguments = parser.parse_args()
    for path in NOTEBOOKS:
        if arguments.names and path.stem not in arguments.names:
            continue
        notebook = execute(path)
        print(f"{path.name}: executed")
        if arguments.in_place:
            temporary = path.with_suffix(".tmp")
            nbformat.write(notebook, temporary)
            temporary.replace(path)


if __name__ == "__main__":
    main()
