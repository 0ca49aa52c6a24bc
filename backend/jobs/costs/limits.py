"""What a run may take: more than this is an accident, and is refused with the numbers."""

from dataclasses import dataclass

from backend.jobs.errors import InvalidRequest
from backend.schemas.errors import FieldError
from backend.schemas.estimate import Estimate, duration

HOUR = 3600.0
GIB = 1024.0  # in MiB
LOWER = {
    "steps": "Lower steps, lanes, repeats, the batch size, the examples or the network's width",
    "eval_every": "Evaluate less often (eval_every), or take fewer examples",
    "analysis": "Lower the analysis' own settings, the points, or the share of the data",
    "probes": "Let the probe come less often (every), lower its settings, or switch it off",
}


@dataclass(frozen=True)
class Limits:
    """What one run may take; None: any amount."""

    hours: float | None = None  # of computing on one worker
    memory_gib: float | None = None

    def refusal(self, found: Estimate) -> InvalidRequest | None:
        """Say what is above the limits: what it would take, what the limit is, and what to lower.

        Args:
            found: what the run would take.

        Returns:
            The refusal, at the field that costs most; None where the run may begin.
        """
        if self.hours is not None and found.working > self.hours * HOUR:
            most = max((part for part in found.parts if not part.late), key=lambda part: part.seconds)
            share = most.seconds / found.working
            message = (
                f"this would compute for about {duration(found.working)} on one worker, and at most "
                f"{duration(self.hours * HOUR)} are allowed; {share:.0%} of it is {most.name}: {_work(found)}"
            )
            return _refuse(most.path, message, f"{_advice(most.path)}, or raise GRADSCAPE_MAX_HOURS.")
        if self.memory_gib is not None and found.memory_mb > self.memory_gib * GIB:
            message = (
                f"this would need about {found.memory_mb / GIB:,.1f} GiB of memory, and at most {self.memory_gib:,.1f} "
                f"GiB are allowed: {_work(found)}"
            )
            return _refuse(
                "analysis" if not found.steps else "problem", message,
                "Take a smaller network, fewer lanes, repeats or examples, or a rule or analysis that keeps less, or "
                "raise GRADSCAPE_MAX_MEMORY.",
            )  # fmt: skip
        return None


def _work(found: Estimate) -> str:
    steps = f"{found.steps:,} steps, " if found.steps else ""
    gradients = sum(part.gradients for part in found.parts)
    return f"{found.parameters:,} parameters, {found.examples:,} examples, {steps}{gradients:,.0f} gradients"


def _advice(path: str) -> str:
    return LOWER[path.partition(".")[0]]


def _refuse(path: str, message: str, hint: str) -> InvalidRequest:
    return InvalidRequest(message, hint=hint, errors=(FieldError(path=path, message=f"{message}. {hint}"),))
