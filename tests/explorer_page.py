"""What an explorer shows in a page, read off its elements, and what it should show, computed anew."""

import inspect
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
from playwright.sync_api import Locator, Page

from infomerge import InfoMergeConfig
from infomerge.plots.style import frame_edges, segment_edges
from infomerge.widgets import BudgetExplorer

PATIENCE_MS = 120_000

SOURCE = """
    import numpy as np
    import torch
    from infomerge import InfoMergeConfig
    from infomerge.widgets import BudgetExplorer

    def made(**options):
        generator = torch.Generator().manual_seed(0)
        tokens = torch.randn(16, 49, 16, generator=generator).cumsum(0)
        frames = torch.randint(0, 256, (16, 28, 42, 3), generator=generator, dtype=torch.uint8).numpy()
        times = np.arange(16) * 0.5
        return BudgetExplorer(tokens, frames=frames, timestamps=times, name="mine", retention_ratio=0.3, **options)
"""


def made(**options: Any) -> BudgetExplorer:
    """The explorer that the notebook makes."""
    names: dict[str, Any] = {}
    exec(inspect.cleandoc(SOURCE), names)
    shown: BudgetExplorer = names["made"](**options)
    return shown


def write_notebook(path: Path, *cells: str) -> None:
    """A notebook that defines `made` and goes on with these cells."""
    sources = [inspect.cleandoc(SOURCE), *cells]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, path)


READ = """async (root) => {
    const all = (selector) => [...root.querySelectorAll(selector)];
    const number = (node, name) => Number(node.getAttribute(name));
    const images = all(".be-answer image").map((node) => node.getAttribute("href"));
    const loaded = await Promise.all(images.map(async (href) => (await fetch(href)).ok));
    const heights = (kind) => all(`.be-chart rect.fill.${kind}`).map((node) => number(node, "height"));
    return {
        bands: all(".be-answer .band").map((node) => [number(node, "x"), number(node, "width")]),
        budget: all(".be-answer .number").map((node) => node.textContent),
        heights: Object.fromEntries(
            ["context", "uniqueness", "richness", "weight"].map((kind) => [kind, heights(kind)])),
        similarity: root.querySelector('[data-series="similarity"]').getAttribute("d").split(/[ML]/).slice(1)
            .map((point) => point.split(" ").map(Number)),
        axis: all(".be-answer .tick.middle").at(-1).textContent,
        pictures: images.length,
        loaded: loaded.every(Boolean),
        chosen: number(root.querySelector(".be-answer .chosen"), "x"),
        cells: all(".be-map .cell").length,
        formula: root.querySelector(".be-formula").textContent,
        kept: all(".be-frames .frame").map((frame) => [...frame.querySelectorAll(".token")]
            .map((node) => number(node, "data-count"))),
        frames: all(".be-frames .frame").map((node) => number(node, "data-frame")),
        knobs: Object.fromEntries(all("input[type=range]").map((node) => [node.dataset.option, Number(node.value)])),
        lists: Object.fromEntries(all("select[data-option]").map((node) => [node.dataset.option, node.value])),
        segment: Number(root.querySelector(".be-segment select").value),
        code: root.querySelector("code").textContent,
        message: root.querySelector(".im-message").textContent,
        pinned: all(".be-answer .line.pinned").length,
        totals: root.querySelector(".be-totals").textContent,
    };
}"""


def settled(explorer: Locator) -> dict[str, Any]:
    """What the page shows once nothing is asked any more and the tokens are those of the panels."""
    explorer.locator("svg .band").first.wait_for(timeout=PATIENCE_MS)
    page = explorer.page
    for _ in range(PATIENCE_MS // 100):
        old = explorer.locator(".be-frames.be-old").count()
        if explorer.get_attribute("data-idle") == "true" and not old:
            break
        page.wait_for_timeout(100)
    found: dict[str, Any] = explorer.evaluate(READ)
    return found


def assert_true(found: dict[str, Any], config: InfoMergeConfig, pinned: InfoMergeConfig | None = None) -> None:
    """Every number that was read off a page is that of the clip under this configuration."""
    shown = made()
    shown.set(**config.to_dict())
    plan, clip, out = shown.plan, shown.encoded, shown.compression()
    edges = frame_edges(clip.times)
    bounds = segment_edges(plan.bounds, edges)
    widths = np.diff(bounds) / (edges[-1] - edges[0])
    bands = np.array(found["bands"])
    np.testing.assert_allclose(bands[:, 1] / bands[:, 1].sum(), widths, atol=2e-3)
    np.testing.assert_allclose((bands[:, 0] - bands[0, 0]) / bands[:, 1].sum(), np.cumsum([0, *widths[:-1]]), atol=2e-3)
    assert found["budget"][-len(plan.budget) :] == [str(budget) for budget in plan.budget.tolist()]
    lengths = plan.lengths.numpy()
    expected = {
        "context": plan.budget.numpy() / lengths,
        "uniqueness": plan.uniqueness.numpy(),
        "richness": plan.richness.numpy(),
        "weight": plan.weight.numpy() / lengths,
    }
    for name, values in expected.items():
        heights = np.array(found["heights"][name])
        np.testing.assert_allclose(heights / heights.max(), values / values.max(), atol=0.01, err_msg=name)
    assert len(found["similarity"]) == len(plan.transition)
    drawn = -np.array([y for _, y in found["similarity"]])
    assert np.corrcoef(drawn, plan.transition.numpy())[0, 1] > 0.9999
    assert found["axis"] == "time (s)"
    assert found["pictures"] > 0
    assert found["loaded"]
    segment = found["segment"]
    assert abs(found["chosen"] - bands[segment, 0]) < 0.02
    assert f"→ {int(plan.budget[segment])}" in found["formula"]
    start, end = plan.bounds[segment]
    assert all(start <= frame < end for frame in found["frames"])
    for frame, (salient, context) in zip(found["frames"], found["kept"], strict=True):
        here = out.frame == frame
        assert (salient, context) == (int((here & ~out.is_context).sum()), int((here & out.is_context).sum()))
    assert found["cells"] == (0 if end - start == 1 or config.static_prior == "none" else clip.tokens.shape[1])
    assert found["code"] == config.to_python()
    for option, value in {**found["knobs"], **found["lists"]}.items():
        assert value == getattr(config, option), option
    assert f"requested {plan.requested}" in found["totals"]
    assert (found["pinned"] > 0) == (pinned is not None)


def press(page: Page, explorer: Locator, option: str, key: str, times: int = 1) -> None:
    """Turn a knob by keyboard."""
    slider = explorer.locator(f"input[type=range][data-option={option}]")
    slider.focus()
    for _ in range(times):
        page.keyboard.press(key)
