"""Interactive views for notebooks and for pages without a kernel. Each is imported when it is first asked for."""

from typing import TYPE_CHECKING

from infomerge.extras import lazy_names, needs

if TYPE_CHECKING:
    from infomerge.widgets.answer_view import AnswerView
    from infomerge.widgets.budget_explorer import BudgetExplorer
    from infomerge.widgets.token_lens import TokenLens

__all__ = ["AnswerView", "BudgetExplorer", "TokenLens"]

# Looking at a view costs the import of a widget library; `import infomerge.widgets` alone does not.
with needs("notebooks", "anywidget", "ipywidgets", "plotly", "PIL"):
    __getattr__ = lazy_names(
        __name__, {"AnswerView": "answer_view", "BudgetExplorer": "budget_explorer", "TokenLens": "token_lens"}
    )
