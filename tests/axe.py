"""What axe finds in a page that is open in a browser: its serious and critical faults, in one line each."""

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

GRAVE = ("serious", "critical")


def faults(page: Page) -> list[str]:
    """Serious and critical violations of the page as it is now, each with the first elements that it was seen in."""
    # Without preload: from disk, axe may not fetch style sheets again.
    found = Axe().run(page, options={"preload": False}).response["violations"]
    return [
        f"{fault['id']} ({fault['impact']}): {fault['help']}: "
        + "; ".join(f"{node['target']} {node['html'][:80]}" for node in fault["nodes"][:3])
        for fault in found
        if fault["impact"] in GRAVE
    ]
