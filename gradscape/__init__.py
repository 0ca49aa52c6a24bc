"""What a user's own code imports: declaring problems, and sending a training loop's progress to a running app."""

from backend.core.problems.custom.definition import Fit, field, problem
from gradscape.client import Client, Refused
from gradscape.recorder import Recorder

__all__ = ["Client", "Fit", "Recorder", "Refused", "field", "problem"]
