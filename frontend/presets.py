"""Presets: whole races, declared as requests, each a quarter or half of a minute to watch."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Preset:
    """A race to start from. ``variants`` are the values that differ where one Start opens several runs in one view."""

    name: str
    title: str
    sentence: str  # what there is to see
    request: Mapping[str, Any]
    variants: tuple[Mapping[str, Any], ...] = ()
    choices: Mapping[str, str] = field(default_factory=lambda: {"curves.scale": "log"})  # of the panels, to see it best


def _lane(name: str, kind: str, **settings: Any) -> dict[str, Any]:
    return {"name": name, "optimizer": {"kind": kind, **settings}}


def _landscape(plane: str, *, every: int, paths: int, resolution: int = 33) -> list[dict[str, Any]]:
    chosen = {"kind": plane}
    surface = {"kind": "surface", "plane": chosen, "resolution": resolution}
    return [
        {"every": every, "late": "skip", "analysis": surface},
        {"every": paths, "late": "skip", "analysis": {"kind": "trajectory", "plane": chosen}},
    ]


def _sharpness(every: int) -> dict[str, Any]:
    return {"every": every, "late": "skip", "analysis": {"kind": "sharpness"}}


def _half_squared(data: dict[str, Any], hidden: list[int]) -> dict[str, Any]:
    return {"data": data, "model": {"kind": "mlp", "hidden": hidden}, "loss": {"kind": "mse", "factor": 0.5}}


_ROUGHNESS = {"kind": "roughness", "length": 0.01, "lengths": [0.1, 0.5], "directions": 50}

FOUR_ON_DIGITS = Preset(
    name="four-on-digits",
    title="Four optimizers on digits",
    sentence="Four rules leave one point and end in different places of the same valley.",
    request={
        "kind": "train",
        "name": "Four optimizers on digits",
        "problem": {"data": {"kind": "digits"}, "model": {"kind": "mlp", "hidden": [32, 32]}},
        "steps": 300,
        "batch_size": 128,
        "pace": 20.0,
        "lanes": [
            _lane("SGD", "sgd", lr=0.1),
            _lane("Momentum", "sgd", lr=0.1, momentum=0.9),
            _lane("RMSProp", "rmsprop", lr=0.001),
            _lane("Adam", "adam", lr=0.001),
        ],
        "probes": _landscape("pca", every=8, paths=4),
    },
)

ROSENBROCK = Preset(
    name="rosenbrock-race",
    title="Rosenbrock race",
    sentence="All fall into the curved valley at once; following it to the minimum is what takes long.",
    request={
        "kind": "train",
        "name": "Rosenbrock race",
        "problem": {"function": {"kind": "rosenbrock"}},
        "steps": 450,
        "pace": 30.0,
        "lanes": [
            _lane("SGD", "sgd", lr=0.001),
            _lane("Momentum", "sgd", lr=0.0005, momentum=0.95),
            _lane("RMSProp", "rmsprop", lr=0.01),
            _lane("Adam", "adam", lr=0.05),
        ],
        "probes": _landscape("coordinates", every=10, paths=1, resolution=65),
    },
)

SADDLE = Preset(
    name="saddle-escape",
    title="Saddle escape",
    sentence="Gradient descent lingers where the slope vanishes; rules that rescale the gradient leave at once.",
    request={
        "kind": "train",
        "name": "Saddle escape",
        "problem": {"function": {"kind": "saddle"}},
        "steps": 150,
        "pace": 10.0,
        "lanes": [
            _lane("SGD", "sgd", lr=0.1),
            _lane("Momentum", "sgd", lr=0.1, momentum=0.9),
            _lane("RMSProp", "rmsprop", lr=0.02),
            _lane("Adam", "adam", lr=0.05),
        ],
        "probes": _landscape("coordinates", every=10, paths=1, resolution=65),
    },
    choices={"curves.scale": "linear"},  # the loss is negative at the minima
)

SPIRALS = Preset(
    name="spirals-three-widths",
    title="Spirals with three widths",
    sentence="The same data and rule, three networks: the narrow one cannot wind with the spirals, the wide one can.",
    request={
        "kind": "train",
        "name": "Spirals",
        "problem": {"data": {"kind": "spirals"}, "model": {"kind": "mlp", "hidden": [8, 8]}},
        "steps": 500,
        "pace": 100.0,
        "lanes": [_lane("Adam", "adam", lr=0.02)],
        "probes": _landscape("pca", every=20, paths=10),
    },
    variants=tuple(
        {
            "name": f"Spirals, {width} units a layer",
            "problem.model.hidden": [width, width],
        }
        for width in (2, 8, 32)
    ),
)

DIVERGENCE = Preset(
    name="divergence",
    title="Divergence",
    sentence="On a bowl of curvature 20 every learning rate below 2/20 = 0.1 settles; just above it, each step grows.",
    request={
        "kind": "train",
        "name": "Divergence",
        "problem": {"function": {"kind": "quadratic", "condition": 20.0}},
        "steps": 150,
        "pace": 10.0,
        "divergence": 1e4,
        "lanes": [
            _lane("lr 0.02", "sgd", lr=0.02),
            _lane("lr 0.05", "sgd", lr=0.05),
            _lane("lr 0.095", "sgd", lr=0.095),
            _lane("lr 0.103", "sgd", lr=0.103),
        ],
        "probes": _landscape("coordinates", every=10, paths=1, resolution=65),
    },
)

EDGE = Preset(
    name="edge-of-stability",
    title="Edge of stability",
    sentence="Sharpness climbs to 2/η and stays there, while the loss goes on falling. Move a learning rate: the line "
    "moves, and the sharpness follows.",
    request={
        "kind": "train",
        "name": "Edge of stability",
        "problem": _half_squared({"kind": "digits", "examples": 500}, [32, 32]),
        "dtype": "float64",
        "steps": 1000,
        "pace": 40.0,
        "lanes": [_lane("lr 0.2", "sgd", lr=0.2), _lane("lr 0.1", "sgd", lr=0.1)],
        "probes": [_sharpness(5), *_landscape("pca", every=30, paths=15)],
    },
)

EDGE_CHEBYSHEV = Preset(
    name="edge-chebyshev",
    title="Edge of stability, closely",
    sentence="Twenty points of a polynomial: at its edge the sharpness swings around 2/η, ever more narrowly.",
    request={
        "kind": "train",
        "name": "Edge of stability, Chebyshev",
        "problem": _half_squared({"kind": "chebyshev", "points": 20, "degree": 4}, [30, 20]),
        "dtype": "float64",
        "steps": 3000,
        "pace": 120.0,
        "eval_every": 20,
        "lanes": [_lane("lr 0.4", "sgd", lr=0.4), _lane("lr 0.2", "sgd", lr=0.2)],
        "probes": [_sharpness(15), *_landscape("pca", every=90, paths=45)],
    },
)

EDGE_ADAM = Preset(
    name="edge-adam",
    title="Adam's edge of stability",
    sentence="Adam has its edge too: not the Hessian's sharpness but that of P⁻¹H stops at its line, 38/η.",
    request={
        "kind": "train",
        "name": "Adam's edge of stability",
        "problem": _half_squared({"kind": "chebyshev", "points": 20, "degree": 4}, [30, 20]),
        "dtype": "float64",
        "steps": 3000,
        "pace": 120.0,
        "eval_every": 20,
        "lanes": [_lane("lr 0.003", "adam", lr=0.003, eps=1e-7), _lane("lr 0.002", "adam", lr=0.002, eps=1e-7)],
        "probes": [_sharpness(15), *_landscape("pca", every=90, paths=45)],
    },
    choices={"curves.scale": "log", "sharpness.matrix": "preconditioned"},
)

RITZ_GALERKIN = Preset(
    name="ritz-galerkin",
    title="Ritz against Galerkin",
    sentence="One equation, one network, two losses: how near each comes to the solution, and how rough it is there.",
    request={
        "kind": "train",
        "name": "Poisson",
        "problem": {"pde": {"kind": "poisson", "dim": 1, "method": "galerkin"}},
        "dtype": "float64",
        "steps": 1500,
        "pace": 100.0,
        "eval_every": 20,
        "lanes": [_lane("Adam", "adam", lr=0.01)],
        "probes": [
            {"every": 100, "late": "skip", "analysis": _ROUGHNESS},
            *_landscape("pca", every=50, paths=25),
        ],
    },
    variants=tuple(
        {"name": f"Poisson by {method.title()}", "problem.pde.method": method} for method in ("galerkin", "ritz")
    ),
    choices={"curves.scale": "log", "curves.metric": "error"},
)

PRESETS = (FOUR_ON_DIGITS, ROSENBROCK, SADDLE, SPIRALS, DIVERGENCE, EDGE, EDGE_CHEBYSHEV, EDGE_ADAM, RITZ_GALERKIN)


def preset(name: str) -> Preset:
    """Return the preset of this name, the first where there is none."""
    return next((p for p in PRESETS if p.name == name), PRESETS[0])
