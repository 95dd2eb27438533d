"""Methods with options, as files and commands name them."""

import itertools
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from infomerge.methods import get_method


def refused(message: str) -> PydanticCustomError:
    """What a validator raises, with a message that stands as it is."""
    return PydanticCustomError("refused", "{message}", {"message": message})


def no_unknown_key(model: type[BaseModel], given: Any) -> Any:
    """A validator's input as it is, refused where it has a key that the model does not know."""
    for key in given if isinstance(given, Mapping) else ():
        if key not in model.model_fields:
            raise refused(f"{key}: unknown key; expected {', '.join(model.model_fields)}")
    return given


class MethodChoice(BaseModel):
    """A method with options; each option is a list of the values that it takes in turn."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    options: dict[str, Annotated[list[bool | int | float | str], Field(min_length=1)]] = {}

    @model_validator(mode="before")
    @classmethod
    def _from_name(cls, given: Any) -> Any:
        if isinstance(given, str):
            return {"name": given}
        if isinstance(given, Mapping) and isinstance(options := given.get("options"), Mapping):
            lists = {name: value if isinstance(value, list) else [value] for name, value in options.items()}
            return no_unknown_key(cls, {**given, "options": lists})
        return no_unknown_key(cls, given)

    @model_validator(mode="after")
    def _known(self) -> "MethodChoice":
        try:
            get_method(self.name)
        except ValueError as error:
            raise refused(str(error)) from error
        return self

    def variants(self) -> Iterator[dict[str, Any]]:
        """The options of each variant: every combination of the values given."""
        for values in itertools.product(*self.options.values()):
            yield dict(zip(self.options, values, strict=True))
