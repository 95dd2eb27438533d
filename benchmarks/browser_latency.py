"""From a step of a slider of BudgetExplorer to the redrawn picture: python -m benchmarks.browser_latency.

Runs notebook 04 in a real JupyterLab in headless Chromium, moves a slider by a step again and again, and waits each
time until the panels have been drawn of the kernel's answer and the browser has had a frame to show them. 32 frames of
196 tokens of 320 channels.
"""

import argparse
import statistics
import tempfile
from pathlib import Path

from playwright.sync_api import Page

from tests.browser import launched
from tests.lab import open_and_run, serving

PRESS = """async ([knob, key]) => {
    const explorer = document.querySelector(".budget-explorer");
    const slider = [...explorer.querySelectorAll("input[type=range]")].find((input) => input.dataset.option === knob);
    slider.focus();
    const budgets = () => explorer.querySelector(".be-answer .line.context").getAttribute("d")
        + explorer.querySelector("code").textContent;
    const before = budgets();
    const start = performance.now();
    const shown = new Promise((done) => {
        const seen = () => requestAnimationFrame(() => setTimeout(() => done(performance.now()), 0));
        const observer = new MutationObserver(() => {
            if (budgets() === before) return;
            observer.disconnect();
            seen();
        });
        observer.observe(explorer, { attributes: true, attributeFilter: ["data-drawn"] });
        setTimeout(() => done(null), 3000);
    });
    slider.value = String(Number(slider.value) + (key === "ArrowRight" ? 1 : -1) * Number(slider.step));
    slider.dispatchEvent(new Event("input", { bubbles: true }));
    const end = await shown;
    return end === null ? null : end - start;
}"""


def milliseconds(page: Page, knob: str, presses: int) -> list[float]:
    """How long each of some presses on a knob's slider takes to be seen."""
    taken = []
    for press in range(presses):
        value = page.evaluate(PRESS, [knob, "ArrowRight" if press % 8 < 4 else "ArrowLeft"])
        page.wait_for_timeout(200)
        if value is not None:
            taken.append(value)
    return taken


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--presses", type=int, default=24)
    presses = parser.parse_args().presses
    with tempfile.TemporaryDirectory() as folder, launched() as browser, serving(Path(folder)) as address:
        page = browser.new_page(viewport={"width": 1400, "height": 1500})
        open_and_run(page, address, "04_budgets")
        explorer = page.locator(".budget-explorer")
        explorer.locator("svg .band").first.wait_for(timeout=120_000)
        explorer.scroll_into_view_if_needed()
        page.wait_for_timeout(1500)
        print(f"milliseconds from knob to picture, {presses} steps         median    p95  answered")
        for knob in ("temperature", "uniqueness_weight", "richness_weight"):
            taken = milliseconds(page, knob, presses)
            p95 = statistics.quantiles(taken, n=20)[-1]
            print(f"{knob:>48} {statistics.median(taken):9.0f} {p95:6.0f}  {len(taken)} of {presses}")


if __name__ == "__main__":
    main()
