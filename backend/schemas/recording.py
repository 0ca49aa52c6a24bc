"""A training loop elsewhere that sends what it does: the run that it becomes, and what it tells."""

from typing import Annotated, Any, Final

from pydantic import Field, TypeAdapter

from backend.schemas.base import SpecModel, WireModel
from backend.schemas.events import Eval, TrainChunk
from backend.schemas.fields import described
from backend.schemas.optimizer import AnyOptimizer, SgdOptimizer
from backend.schemas.problem import AnyProblem, CustomProblem
from backend.schemas.problem.custom import Custom
from backend.schemas.run import MAX_STEPS, Lane, TrainRequest

NAMELESS: Final = "recorded without a model"  # what stands for the problem that nobody has named
MOST_PARAMETERS: Final = 1_000_000_000


class RecordingRequest(SpecModel):
    """What a loop says before it begins."""

    name: str = described("", "What the run is called in lists.", max_length=200)
    lane: str = described("mine", "What its curve is called.", min_length=1, max_length=40)
    steps: int = described(1000, "Updates that are planned.", unit="steps", ge=1, le=MAX_STEPS)
    parameters: int = described(1, "Numbers of one snapshot.", ge=1, le=MOST_PARAMETERS)
    problem: AnyProblem | None = described(
        None, "What is trained, so that surfaces and curvatures can be asked for; null: curves and paths alone."
    )
    optimizer: AnyOptimizer = described(None, "The update rule, as far as there is one like it.", factory=SgdOptimizer)

    def race(self) -> TrainRequest:
        """Return the race that this recording stands for."""
        problem = self.problem or CustomProblem(custom=Custom(name=NAMELESS))
        lane = Lane(name=self.lane, optimizer=self.optimizer)
        return TrainRequest(name=self.name, tags=("recorded",), problem=problem, steps=self.steps, lanes=(lane,))


class RecordedEvents(WireModel):
    """What a loop tells: rows of its steps, and evaluations."""

    events: tuple[Annotated[TrainChunk | Eval, Field(discriminator="kind")], ...] = Field(max_length=1000)


RECORDING: TypeAdapter[Any] = TypeAdapter(RecordingRequest)
RECORDED: TypeAdapter[Any] = TypeAdapter(RecordedEvents)
