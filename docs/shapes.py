"""Shapes in the reference as they stand in the code: `Float[Tensor, "segments"]`, not `Float[Tensor, segments]`.

A shape of one name reads like a forward reference to a type, and is shown as one unless its quotes are put back.
"""

from typing import Any

import griffe

ARRAYS = {"Bool", "Float", "Float64", "Int", "Num", "UInt8"}
"""Types of jaxtyping, whose second argument is a shape."""


def quote_shapes(expression: Any) -> None:
    """Put the quotes back, in place."""
    if not isinstance(expression, griffe.Expr):
        return
    if isinstance(expression, griffe.ExprSubscript) and str(expression.left).rpartition(".")[2] in ARRAYS:
        arguments = expression.slice
        if isinstance(arguments, griffe.ExprTuple):
            *array, shape = arguments.elements
            written = str(shape).replace(" ", "") if isinstance(shape, griffe.Expr) else shape.strip("'\"")
            arguments.elements = [*array, f'"{written}"']
        return
    for part in expression.iterate(flat=False):
        if part is not expression:
            quote_shapes(part)


class Shapes(griffe.Extension):
    """Mends the annotations of functions and of attributes."""

    def on_function(self, *, func: griffe.Function, **_: Any) -> None:
        """Of the parameters and of what is returned."""
        for annotation in (func.returns, *(parameter.annotation for parameter in func.parameters)):
            quote_shapes(annotation)

    def on_attribute(self, *, attr: griffe.Attribute, **_: Any) -> None:
        """Of a field."""
        quote_shapes(attr.annotation)
