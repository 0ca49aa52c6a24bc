"""What a user's own code imports: declaring problems, and sending a training loop's progress to a running app."""

from backend.core.problems.custom.definition import Fit, field, problem

__all__ = ["Fit", "field", "problem"]
