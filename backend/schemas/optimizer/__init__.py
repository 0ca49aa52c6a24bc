"""Update rules (one a file) and learning-rate schedules."""

from typing import Annotated

from pydantic import Field

from backend.schemas.optimizer.adadelta import AdadeltaOptimizer
from backend.schemas.optimizer.adagrad import AdagradOptimizer
from backend.schemas.optimizer.adam import AdamOptimizer
from backend.schemas.optimizer.adamw import AdamWOptimizer
from backend.schemas.optimizer.ademamix import AdEMAMixOptimizer
from backend.schemas.optimizer.aegd import AegdOptimizer
from backend.schemas.optimizer.base import OptimizerSpec
from backend.schemas.optimizer.cbo import CboOptimizer
from backend.schemas.optimizer.diffgrad import DiffGradOptimizer
from backend.schemas.optimizer.entropy_sgd import EntropySgdOptimizer
from backend.schemas.optimizer.filters import (
    FILTER_KINDS,
    AnyFilter,
    ClipFilter,
    GradientRegularizationFilter,
    GrokfastFilter,
)
from backend.schemas.optimizer.forward_gradient import ForwardGradientOptimizer
from backend.schemas.optimizer.gravity import GravityOptimizer
from backend.schemas.optimizer.induced_metric import InducedMetricOptimizer
from backend.schemas.optimizer.laprop import LaPropOptimizer
from backend.schemas.optimizer.lbfgs import LbfgsOptimizer
from backend.schemas.optimizer.lion import LionOptimizer
from backend.schemas.optimizer.muon import MuonOptimizer
from backend.schemas.optimizer.nadam import NadamOptimizer
from backend.schemas.optimizer.natural_gradient import NaturalGradientOptimizer
from backend.schemas.optimizer.newton import NewtonOptimizer
from backend.schemas.optimizer.oasis import OasisOptimizer
from backend.schemas.optimizer.optimistic_amsgrad import OptimisticAmsgradOptimizer
from backend.schemas.optimizer.psgd import PsgdOptimizer
from backend.schemas.optimizer.radam import RadamOptimizer
from backend.schemas.optimizer.rmsprop import RmspropOptimizer
from backend.schemas.optimizer.saddle_free_newton import SaddleFreeNewtonOptimizer
from backend.schemas.optimizer.sam import SamOptimizer
from backend.schemas.optimizer.schedule import (
    SCHEDULE_KINDS,
    AnySchedule,
    ConstantSchedule,
    CosineSchedule,
    LinearSchedule,
    OneCycleSchedule,
    RestartsSchedule,
    StepSchedule,
)
from backend.schemas.optimizer.sgd import SgdOptimizer
from backend.schemas.optimizer.soap import SoapOptimizer
from backend.schemas.optimizer.vrgd import VrgdOptimizer
from backend.schemas.optimizer.xgrad import XGradOptimizer

__all__ = [
    "FILTER_KINDS",
    "OPTIMIZER_KINDS",
    "SCHEDULE_KINDS",
    "AdEMAMixOptimizer",
    "AdadeltaOptimizer",
    "AdagradOptimizer",
    "AdamOptimizer",
    "AdamWOptimizer",
    "AegdOptimizer",
    "AnyFilter",
    "AnyOptimizer",
    "AnySchedule",
    "CboOptimizer",
    "ClipFilter",
    "ConstantSchedule",
    "CosineSchedule",
    "DiffGradOptimizer",
    "EntropySgdOptimizer",
    "ForwardGradientOptimizer",
    "GradientRegularizationFilter",
    "GravityOptimizer",
    "GrokfastFilter",
    "InducedMetricOptimizer",
    "LaPropOptimizer",
    "LbfgsOptimizer",
    "LinearSchedule",
    "LionOptimizer",
    "MuonOptimizer",
    "NadamOptimizer",
    "NaturalGradientOptimizer",
    "NewtonOptimizer",
    "OasisOptimizer",
    "OneCycleSchedule",
    "OptimisticAmsgradOptimizer",
    "OptimizerSpec",
    "PsgdOptimizer",
    "RadamOptimizer",
    "RestartsSchedule",
    "RmspropOptimizer",
    "SaddleFreeNewtonOptimizer",
    "SamOptimizer",
    "SgdOptimizer",
    "SoapOptimizer",
    "StepSchedule",
    "VrgdOptimizer",
    "XGradOptimizer",
]  # fmt: skip

OPTIMIZER_KINDS = (
    SgdOptimizer, RmspropOptimizer, AdagradOptimizer, AdadeltaOptimizer, AdamOptimizer, AdamWOptimizer, NadamOptimizer,
    RadamOptimizer, LionOptimizer, DiffGradOptimizer, LaPropOptimizer, AdEMAMixOptimizer, GravityOptimizer,
    MuonOptimizer, PsgdOptimizer, SoapOptimizer, SamOptimizer, LbfgsOptimizer,
    XGradOptimizer, InducedMetricOptimizer, AegdOptimizer, OptimisticAmsgradOptimizer, VrgdOptimizer,
    EntropySgdOptimizer, NewtonOptimizer, SaddleFreeNewtonOptimizer, NaturalGradientOptimizer, OasisOptimizer,
    ForwardGradientOptimizer, CboOptimizer,
)  # fmt: skip
AnyOptimizer = Annotated[
    SgdOptimizer
    | RmspropOptimizer
    | AdagradOptimizer
    | AdadeltaOptimizer
    | AdamOptimizer
    | AdamWOptimizer
    | NadamOptimizer
    | RadamOptimizer
    | LionOptimizer
    | DiffGradOptimizer
    | LaPropOptimizer
    | AdEMAMixOptimizer
    | GravityOptimizer
    | MuonOptimizer
    | PsgdOptimizer
    | SoapOptimizer
    | SamOptimizer
    | LbfgsOptimizer
    | XGradOptimizer
    | InducedMetricOptimizer
    | AegdOptimizer
    | OptimisticAmsgradOptimizer
    | VrgdOptimizer
    | EntropySgdOptimizer
    | NewtonOptimizer
    | SaddleFreeNewtonOptimizer
    | NaturalGradientOptimizer
    | OasisOptimizer
    | ForwardGradientOptimizer
    | CboOptimizer,
    Field(discriminator="kind"),
]
