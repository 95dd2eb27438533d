"""From a knob of the explorable page to the redrawn picture: python -m benchmarks.page_latency [FILE].

Opens the page from disk in headless Chromium (built from the sample clips where no FILE is named), moves each knob step
by step, and waits each time until the picture has been drawn and the browser has had a frame to show it. "wait" is the
part of it before anything of ours can begin: until the screen's next turn, while tokens flow from the step before.
"script" is what the method and the drawing take; "nothing" is the same where nothing changes: the browser's own.
"""

import argparse
import statistics
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page

from tests.browser import launched

MOVE = """async ([knob, steps, pause]) => {
    const input = document.getElementById(knob === "frame" ? knob : `knob-${knob}`);
    const [least, most, step] = [input.min, input.max, input.step].map(Number);
    const taken = [];
    for (let n = 0; n < steps; n++) {
        await new Promise((done) => setTimeout(done, pause + (n * 7) % 17));
        const up = n % 8 < 4;
        const value = Number(input.value) + (up ? step : -step);
        const start = performance.now();
        let turn = start;
        requestAnimationFrame(() => (turn = performance.now()));
        if (knob !== "frame") {
            input.value = String(Math.min(most, Math.max(least, value)));
            input.dispatchEvent(new Event("input", { bubbles: true }));
        }
        await new Promise((done) => requestAnimationFrame(() => setTimeout(done, 0)));
        taken.push([performance.now() - start, turn - start, Number(document.body.dataset.drawn)]);
    }
    return taken;
}"""

KNOBS = (
    "retentionRatio",
    "temperature",
    "uniquenessWeight",
    "richnessWeight",
    "segmentThreshold",
    "minSegments",
    "staticRatio",
    "staticPenalty",
    "contextFraction",
    "anchorInterval",
    "neighbors",
)


@contextmanager
def built(named: str | None) -> Iterator[Path]:
    """The page that was named, or one of the sample clips."""
    if named is not None:
        yield Path(named).resolve()
        return
    from infomerge import EncodedClip
    from infomerge.cli.commands.page import SAMPLES
    from infomerge.page.build import ONE_FILE, write_page
    from infomerge.page.clip_data import clip_data

    with tempfile.TemporaryDirectory() as folder:
        write_page(Path(folder), [clip_data(EncodedClip.read(name), is_sample=True) for name in SAMPLES])
        yield Path(folder) / ONE_FILE


def moved(page: Page, knob: str, steps: int) -> list[tuple[float, float, float]]:
    """Milliseconds to the picture, of waiting, and of script, for each of some steps of a knob."""
    taken = page.evaluate(MOVE, [knob, steps, 40])
    return [(whole, wait, script if knob != "frame" else 0.0) for whole, wait, script in taken]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", nargs="?")
    parser.add_argument("--steps", type=int, default=24)
    chosen = parser.parse_args()
    with built(chosen.file) as file, launched() as browser:
        page = browser.new_page(viewport={"width": 1366, "height": 768})
        page.goto(f"{file.as_uri()}#clip=1&step=9")
        page.wait_for_selector("body[data-ready]")
        page.wait_for_timeout(500)
        print(f"milliseconds, {chosen.steps} steps       to the picture        wait             script")
        print(f"{'':>24}{'  median    p95   ' * 3}")
        print(_line("nothing", moved(page, "frame", chosen.steps)))
        every = []
        for knob in KNOBS:
            taken = moved(page, knob, chosen.steps)
            every += taken
            print(_line(knob, taken))
        print(_line("all knobs", every))


def _line(name: str, taken: list[tuple[float, float, float]]) -> str:
    columns = []
    for values in zip(*taken, strict=True):
        columns.append(f"{statistics.median(values):8.1f} {statistics.quantiles(values, n=20)[-1]:6.1f}")
    return f"{name:>24}{'  '.join(columns)}"


if __name__ == "__main__":
    main()
