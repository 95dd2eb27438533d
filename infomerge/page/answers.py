"""The door for a Video-LLM: its answers to questions about the page's clips, worked out before for a grid of settings.

The page shows a panel where this block is there, and none where it is not.
"""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

Probability = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Ratio = Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Grid(_Part):
    """What one method's kept tokens make the model answer, ratio by ratio."""

    method: str
    """Its name, as `compress` takes it, and options where they matter: "infomerge", "infomerge allocation=length"."""
    label: str
    """The same in words, for readers."""
    ratios: Annotated[list[Ratio], Field(min_length=1)]
    """Retention ratios, ascending."""
    probabilities: list[list[Probability]]
    """For each ratio the probability of each option."""


class Question(_Part):
    """A question about one clip of the page, with the answers that the model chooses between."""

    clip: str
    """The name of the clip, as `EncodedClip.name` has it."""
    text: str
    options: Annotated[list[str], Field(min_length=2)]
    truth: int | None = None
    """Place of the right option; None where that is not known."""
    grids: Annotated[list[Grid], Field(min_length=1)]

    @model_validator(mode="after")
    def _fit(self) -> "Question":
        if self.truth is not None and not 0 <= self.truth < len(self.options):
            raise ValueError(f"truth: got {self.truth}; expected 0 to {len(self.options) - 1}, a place in options")
        for grid in self.grids:
            if grid.ratios != sorted(set(grid.ratios)):
                raise ValueError(f"ratios: got {grid.ratios}; expected different ones, ascending")
            shape = [len(row) for row in grid.probabilities]
            if shape != [len(self.options)] * len(grid.ratios):
                raise ValueError(
                    f"probabilities: got rows of {shape}; expected {len(grid.ratios)} of {len(self.options)}, "
                    "one row for each ratio, one number for each option"
                )
        return self


class Answers(_Part):
    """The optional block `answers` of the page's data."""

    model: str
    """What answered, in a few words: "LlavaOnevision, 7.5 M parameters, trained on procedural clips"."""
    note: str = ""
    """What a reader must know: how it was trained, on how many clips it is right."""
    questions: list[Question]
