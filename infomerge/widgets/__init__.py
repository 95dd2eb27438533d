"""Interactive views for notebooks and for pages without a kernel. Each is imported when it is first asked for."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from infomerge.widgets.token_lens import TokenLens

__all__ = ["TokenLens"]


def __getattr__(name: str) -> Any:
    # Looking at a view costs the import of a widget library; `import infomerge.widgets` alone does not.
    if name == "TokenLens":
        from infomerge.widgets.token_lens import TokenLens

        return TokenLens
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
