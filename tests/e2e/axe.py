"""What axe finds on the whole page."""

from playwright.sync_api import Page

from server.settings import ROOT

AXE = ROOT / "webui" / "node_modules" / "axe-core" / "axe.min.js"


def faults(page: Page) -> list[str]:
    """The serious and critical ones: rule, what it says, and the first places."""
    if not page.evaluate("'axe' in window"):
        # As an expression: the page's policy forbids scripts that are put into it.
        page.evaluate(AXE.read_text("utf-8"))
    found = page.evaluate("axe.run({ resultTypes: ['violations'] })")["violations"]
    return [
        f"{rule['id']}: {rule['help']}: {[node['html'][:160] for node in rule['nodes'][:3]]}"
        for rule in found
        if rule["impact"] in ("serious", "critical")
    ]
