"""Training: a race of 1–8 lanes, with the analyses that run along as probes."""

from typing import Final

from backend.core.analyses.train.analysis import Train

__all__ = ["TRAIN", "Train"]

TRAIN: Final = Train()
