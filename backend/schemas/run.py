"""Requests, and the run that each becomes."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, StringConstraints, TypeAdapter, ValidationInfo, field_validator, model_validator

from backend.schemas.analysis import (
    RACE_PLANES,
    AnyAnalysis,
    AnyProbe,
    BetweenLine,
    SliceAnalysis,
    SurfaceAnalysis,
    ThreePointsPlane,
    TrajectoryAnalysis,
)
from backend.schemas.base import SpecModel, WireModel
from backend.schemas.errors import ErrorDetail
from backend.schemas.fields import described, kind_of
from backend.schemas.ids import RunId
from backend.schemas.optimizer import AnyFilter, AnyOptimizer, AnySchedule, ConstantSchedule, SgdOptimizer
from backend.schemas.point import AnyPoint, RunPoint
from backend.schemas.problem import AnyProblem, DataProblem, FunctionProblem, PdeProblem, examples_of

MAX_STEPS = 10_000_000
MAX_REPEATS = 32
# Tags are typed with commas between them: none inside, no blanks around, nothing invisible.
_VISIBLE = r"[^\s,\x00-\x1f\x7f-\x9f]"
Tag = Annotated[str, StringConstraints(max_length=40, pattern=rf"^{_VISIBLE}([^,\x00-\x1f\x7f-\x9f]*{_VISIBLE})?$")]
Status = Literal["queued", "running", "succeeded", "failed", "cancelled"]
Kind = Literal["train", "analyse"]  # of a request
ENDED: tuple[Status, ...] = ("succeeded", "failed", "cancelled")


class Lane(SpecModel):
    """One competitor: an update rule with its settings and schedule."""

    name: str = described("SGD", "The lane's name, its own within the run.", min_length=1, max_length=40)
    optimizer: AnyOptimizer = described(None, "The update rule.", factory=SgdOptimizer)
    schedule: AnySchedule = described(None, "How the learning rate changes over the run.", factory=ConstantSchedule)
    filters: tuple[AnyFilter, ...] = described(
        (), "What happens to the gradient before the rule sees it, in this order.", max_length=3
    )

    @field_validator("filters")
    @classmethod
    def _filters_fit(cls, filters: tuple[AnyFilter, ...], info: ValidationInfo) -> tuple[AnyFilter, ...]:
        rule = info.data.get("optimizer")
        if filters and rule is not None and not rule.filtered:
            raise ValueError(f"{rule.title} does not move by the batch's gradient, so there is nothing to filter")
        kinds = [each.kind for each in filters]
        twice = next((kind for kind in kinds if kinds.count(kind) > 1), None)
        if twice is not None:
            raise ValueError(f"expected each filter once, got {twice} twice")
        return filters


class Change(SpecModel):
    """A live hyper-parameter that is changed on the way, as a control message would change it."""

    step: int = described(0, "After how many steps.", unit="steps", ge=0, le=MAX_STEPS)
    lane: str = described("SGD", "The lane.", min_length=1, max_length=40)
    field: str = described("lr", "The hyper-parameter; under a schedule, lr is the base rate.", max_length=40)
    value: float = described(0.1, "Its new value, within the field's own bounds.", ge=-1e300, le=1e300)
    repeats: tuple[Annotated[int, Field(ge=0, le=MAX_REPEATS - 1)], ...] = described(
        (), "Of the lane, these repeats alone; none named: all of them.", max_length=MAX_REPEATS
    )


class SnapshotPolicy(SpecModel):
    """How much of a race is kept to be looked at again: dense early, then thinned evenly."""

    budget_mb: float = described(64.0, "Most that all lanes' snapshots may take.", unit="MB", ge=0.0, le=100_000.0)


class Probe(SpecModel):
    """An analysis that runs inside training, on a frozen copy of its step's parameters."""

    every: int = described(10, "Steps between two probes.", unit="steps", ge=1, le=MAX_STEPS)
    late: Literal["wait", "skip"] = described(
        "skip", "When the next one falls due before this one has ended: training waits, or the new one is dropped."
    )
    analysis: AnyProbe = described(None, "The analysis.", factory=SurfaceAnalysis)

    @field_validator("analysis")
    @classmethod
    def _plane_fits(cls, analysis: AnyProbe) -> AnyProbe:
        plane = analysis.plane if isinstance(analysis, SurfaceAnalysis | TrajectoryAnalysis) else None
        if plane is not None and not isinstance(plane, RACE_PLANES):
            can = ", ".join(str(kind.model_fields["kind"].default) for kind in RACE_PLANES)
            raise ValueError(
                f"expected a plane that a running race can lay ({can}), got {plane.kind}; "
                "its directions come from other points, or from a search that does not fit between two steps, so ask "
                "for it with an analysis of the run"
            )
        return analysis


class RequestBase(SpecModel):
    """What all requests share."""

    name: str = described(
        "", "What the run is called in lists; made from its contents when left empty.", max_length=200
    )
    tags: tuple[Tag, ...] = described((), "Words to find the run by.", max_length=20)
    seed: int = described(0, "Everything random in the run follows from this.", ge=0, le=2**31 - 1)
    dtype: Literal["float32", "float64"] = described(
        "float32", "Number format of parameters and results; a differential equation takes float64 unless it is given."
    )
    device: str = described(
        "auto", "Where it runs: auto, cpu, cuda, cuda:0 … or mps.", pattern=r"^(auto|cpu|mps|cuda(:\d{1,3})?)$"
    )
    tune: bool = described(
        True, "Allow choices that depend on timing (a late probe is skipped); without them a seed repeats exactly."
    )


def _double_for_equations(request: RequestBase, problem: AnyProblem | None) -> None:
    """Give a differential equation double precision where nothing was said about the number format."""
    if isinstance(problem, PdeProblem) and "dtype" not in request.model_fields_set:
        request.__dict__["dtype"] = "float64"  # as a default is set: the model is not there for others yet


class TrainRequest(RequestBase):
    """A race: 1–8 lanes on one problem, from one initial point, with the same batches."""

    kind: Literal["train"] = kind_of("train")
    problem: AnyProblem = described(None, "What is trained.", factory=DataProblem)
    steps: int = described(300, "Updates of each lane.", unit="steps", ge=1, le=MAX_STEPS)
    batch_size: int | None = described(None, "Examples a step; empty is the full batch.", unit="examples", ge=1)
    pace: float | None = described(
        None, "Most steps a second, to watch it; empty is flat out.", unit="steps/s", ge=0.001, le=100_000.0
    )
    repeats: int = described(1, "Train each lane from this many seeds.", ge=1, le=MAX_REPEATS)
    eval_every: int = described(10, "Steps between two evaluations of whole splits.", unit="steps", ge=1, le=MAX_STEPS)
    divergence: float = described(
        1e6, "A lane whose loss exceeds this many times its first has diverged.", scale="log", gt=1.0, le=1e300
    )
    lanes: tuple[Lane, ...] = described((Lane(),), "The competitors.", min_length=1, max_length=8)
    changes: tuple[Change, ...] = described(
        (), "Hyper-parameters that change on the way: how a race that was steered is run again.", max_length=1000
    )
    origin: AnyPoint | None = described(None, "Where to start instead of the initial point.")
    resume: bool = described(
        False, "Go on from the origin's checkpoint, each lane with its optimizer's state, generators and schedule."
    )
    recovery: Literal["fail", "resume"] = described(
        "fail",
        "What follows when the worker or the server dies on the way: the run is left failed (it can be resumed by "
        "hand), or a new run goes on from its last checkpoints at once.",
    )
    snapshots: SnapshotPolicy = described(None, "What is kept.", factory=SnapshotPolicy)
    probes: tuple[Probe, ...] = described((), "Analyses that run along.", max_length=8)

    @field_validator("batch_size")
    @classmethod
    def _batch_fits(cls, size: int | None, info: ValidationInfo) -> int | None:
        problem = info.data.get("problem")
        if size is None or problem is None:
            return size
        if isinstance(problem, FunctionProblem):
            raise ValueError(f"a function has no examples; expected null, got {size}")
        if (most := examples_of(problem)) is not None and size > most:
            raise ValueError(f"expected at most the {most} training examples, got {size}")
        return size

    @field_validator("lanes")
    @classmethod
    def _names_differ(cls, lanes: tuple[Lane, ...]) -> tuple[Lane, ...]:
        names = [lane.name for lane in lanes]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise ValueError(f"two lanes are named {twice!r}; give each lane its own name")
        return lanes

    @field_validator("changes")
    @classmethod
    def _changes_are_possible(cls, changes: tuple[Change, ...], info: ValidationInfo) -> tuple[Change, ...]:
        rules = {lane.name: lane.optimizer for lane in info.data.get("lanes", ())}
        for change in changes if rules else ():
            rule = rules.get(change.lane)
            if rule is None:
                raise ValueError(f"expected one of the lanes {', '.join(rules)}; got {change.lane!r}")
            if change.field not in rule.live:
                raise ValueError(f"lane {change.lane!r}: expected one of {', '.join(rule.live)}; got {change.field!r}")
            count = info.data.get("repeats", MAX_REPEATS)
            if (wrong := max(change.repeats, default=0)) >= count:
                raise ValueError(f"lane {change.lane!r}: expected repeats from 0 to {count - 1}; got {wrong}")
            try:
                type(rule).model_validate({**rule.model_dump(), change.field: change.value})
            except ValueError as error:
                raise ValueError(f"lane {change.lane!r}: {change.field} cannot be {change.value:g}") from error
        return changes

    @model_validator(mode="after")
    def _resume_needs_a_run(self) -> Self:
        _double_for_equations(self, self.problem)
        if self.resume and not isinstance(self.origin, RunPoint):
            raise ValueError("resume goes on from a run's checkpoint; give origin a run and a step")
        return self


class AnalyseRequest(RequestBase):
    """An analysis of stored moments, or of a problem's initial point."""

    kind: Literal["analyse"] = kind_of("analyse")
    problem: AnyProblem | None = described(None, "With a problem and no points, its initial point is analysed.")
    at: tuple[AnyPoint, ...] = described((), "The points that are analysed.", max_length=64)
    analysis: AnyAnalysis = described(None, "The analysis.", factory=SurfaceAnalysis)

    @model_validator(mode="after")
    def _somewhere(self) -> Self:
        _double_for_equations(self, self.problem)
        if self.problem is None and not self.at:
            raise ValueError("give at (the points to analyse) or problem (its initial point)")
        return self

    @model_validator(mode="after")
    def _two_points(self) -> Self:
        between = isinstance(self.analysis, SliceAnalysis) and isinstance(self.analysis.line, BetweenLine)
        if between and len(self.at) < 2:
            raise ValueError(f"a line between two points needs two points in at, got {len(self.at)}")
        return self

    @model_validator(mode="after")
    def _three_points(self) -> Self:
        analysis = self.analysis
        plane = analysis.plane if isinstance(analysis, SurfaceAnalysis | TrajectoryAnalysis) else None
        if isinstance(plane, ThreePointsPlane) and len(self.at) < 3:
            raise ValueError(f"a plane through three points needs three points in at, got {len(self.at)}")
        return self


AnyRequest = Annotated[TrainRequest | AnalyseRequest, Field(discriminator="kind")]
REQUEST: TypeAdapter[AnyRequest] = TypeAdapter(AnyRequest)


class ProgressState(WireModel):
    """How far a run has come."""

    phase: str
    done: int
    total: int


class Run(WireModel):
    """A run as the API shows it; times are UTC, ISO 8601."""

    id: RunId
    kind: str
    name: str
    tags: tuple[str, ...] = ()
    status: Status
    paused: bool = False
    queue_position: int | None = None
    created: str
    started: str | None = None
    ended: str | None = None
    parent: str | None = None
    request: dict[str, Any]
    progress: ProgressState | None = None
    error: ErrorDetail | None = None
    last_seq: int = 0
