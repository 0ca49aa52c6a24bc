"""What the analyses of curvature tell. Each estimate replaces the one before; the last is ``final``."""

from typing import Literal

from backend.schemas.array import Array
from backend.schemas.events.base import PointEvent


class Eigenvalues(PointEvent):
    """Eigenvalues as far as they are known: one lies within each residual of its value."""

    kind: Literal["eigenvalues"] = "eigenvalues"
    matrix: str
    layer: str | None = None  # null: the whole matrix
    which: str
    values: Array  # [k] descending; with both ends [2k], the largest first
    residuals: Array  # [k] ‖Hv − λv‖
    converged: bool  # all residuals are small enough, and nothing beyond these was missed
    products: int  # Hessian-vector products spent
    final: bool


class Spectrum(PointEvent):
    """A density over eigenvalues; it integrates to 1."""

    kind: Literal["spectrum"] = "spectrum"
    matrix: str
    layer: str | None  # null: the whole matrix
    size: int  # rows of the matrix
    grid: Array  # [n] eigenvalues
    density: Array  # [n]
    trace: float
    trace_stderr: float  # infinite for a single probe
    probes: int
    products: int
    final: bool


class Trace(PointEvent):
    """An estimate of a trace."""

    kind: Literal["trace"] = "trace"
    matrix: str
    value: float
    stderr: float  # infinite for a single probe
    probes: int
    final: bool


class Index(PointEvent):
    """The share of negative eigenvalues."""

    kind: Literal["index"] = "index"
    value: float
    stderr: float  # 0 where every eigenvalue was computed; infinite for a single probe
    below: float  # eigenvalues under this were counted
    products: int
    final: bool


class Overlap(PointEvent):
    """The share of gradient and update in the top eigenspace."""

    kind: Literal["overlap"] = "overlap"
    layer: str | None = None  # null: the whole matrix
    k: int
    fraction: float  # of the gradient; NaN where it is zero
    update: float | None = None  # of the step that led here; null at a stored moment and before the first step
    baseline: float  # k/p, a random vector's share on average
    previous: float | None  # overlap with the eigenspace at the look or point before, tr(PP')/k; null at the first
    residual: float | None = None  # the largest ‖Hv − λv‖ of its k vectors; null in runs of earlier versions
    converged: bool
    products: int
