"""Interactive views for notebooks and for pages without a kernel. Each is imported when it is first asked for."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from infomerge.widgets.budget_explorer import BudgetExplorer
    from infomerge.widgets.token_lens import TokenLens

__all__ = ["BudgetExplorer", "TokenLens"]

_ROOMS = {"BudgetExplorer": "budget_explorer", "TokenLens": "token_lens"}


def __getattr__(name: str) -> Any:
    # Looking at a view costs the import of a widget library; `import infomerge.widgets` alone does not.
    if name in _ROOMS:
        return getattr(import_module(f"infomerge.widgets.{_ROOMS[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
