"""What axe finds wrong with a page for those who see it badly, hear it, or have no mouse."""

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

GRAVE = ("serious", "critical")


def faults(page: Page) -> list[str]:
    """Serious and critical faults of the page as it is now: what is wrong, and where."""
    # Without preload: from disk, axe may not fetch style sheets again.
    violations = Axe().run(page, options={"preload": False}).response["violations"]
    return [
        f"{fault['id']}: {' '.join(map(str, node['target']))}: {node['failureSummary']}"
        for fault in violations
        if fault["impact"] in GRAVE
        for node in fault["nodes"]
    ]
