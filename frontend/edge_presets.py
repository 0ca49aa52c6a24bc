"""Presets of the edge of stability: where sharpness goes, and what a change of the learning rate does to it."""

from typing import Any

from frontend.preset import Preset, landscape, lane


def _sharpness(every: int) -> dict[str, Any]:
    return {"every": every, "late": "skip", "analysis": {"kind": "sharpness"}}


def _half_squared(data: dict[str, Any], hidden: list[int]) -> dict[str, Any]:
    return {"data": data, "model": {"kind": "mlp", "hidden": hidden}, "loss": {"kind": "mse", "factor": 0.5}}


def _changed(name: str, lr: float, at: int, factor: float) -> dict[str, Any]:
    return {**lane(name, "sgd", lr=lr), "schedule": {"kind": "step", "at": [at], "factors": [factor]}}


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
        "lanes": [lane("lr 0.2", "sgd", lr=0.2), lane("lr 0.1", "sgd", lr=0.1)],
        "probes": [_sharpness(5), *landscape("pca", every=30, paths=15)],
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
        "lanes": [lane("lr 0.4", "sgd", lr=0.4), lane("lr 0.2", "sgd", lr=0.2)],
        "probes": [_sharpness(15), *landscape("pca", every=90, paths=45)],
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
        "lanes": [lane("lr 0.003", "adam", lr=0.003, eps=1e-7), lane("lr 0.002", "adam", lr=0.002, eps=1e-7)],
        "probes": [_sharpness(15), *landscape("pca", every=90, paths=45)],
    },
    choices={"curves.scale": "log", "sharpness.matrix": "preconditioned"},
)

EDGE_CROSS_ENTROPY = Preset(
    name="edge-cross-entropy",
    title="Cross-entropy peaks and falls",
    sentence="The same digits with cross-entropy: the sharpness peaks early and falls again, as more and more examples "
    "are fitted and stop to bend the loss.",
    request={
        "kind": "train",
        "name": "Cross-entropy peaks and falls",
        "problem": {
            "data": {"kind": "digits", "examples": 500},
            "model": {"kind": "mlp", "hidden": [32, 32]},
            "loss": {"kind": "cross_entropy"},
        },
        "dtype": "float64",
        "steps": 500,
        "pace": 25.0,
        "lanes": [lane("lr 0.5", "sgd", lr=0.5), lane("lr 0.2", "sgd", lr=0.2)],
        "probes": [_sharpness(5), *landscape("pca", every=25, paths=10)],
    },
)

EDGE_RAISED = Preset(
    name="edge-raised",
    title="Raising the rate at the edge",
    sentence="At step 500 two lanes raise their learning rate: their line drops at once, the loss jumps, and the "
    "sharpness is down at the new line within a hundred steps.",
    request={
        "kind": "train",
        "name": "Raising the rate at the edge",
        "problem": _half_squared({"kind": "digits", "examples": 500}, [32, 32]),
        "dtype": "float64",
        "steps": 1000,
        "pace": 40.0,
        "lanes": [
            lane("lr 0.2", "sgd", lr=0.2),
            _changed("0.2, then 0.3", 0.2, 500, 1.5),
            _changed("0.2, then 0.4", 0.2, 500, 2.0),
        ],
        "probes": [_sharpness(5), *landscape("pca", every=30, paths=15)],
    },
)

EDGE_LOWERED = Preset(
    name="edge-lowered",
    title="Lowering the rate at the edge",
    sentence="At step 400 one lane halves its learning rate: its line jumps up, and the sharpness only climbs towards "
    "it, in its own time.",
    request={
        "kind": "train",
        "name": "Lowering the rate at the edge",
        "problem": _half_squared({"kind": "digits", "examples": 500}, [32, 32]),
        "dtype": "float64",
        "steps": 1400,
        "pace": 50.0,
        "lanes": [lane("lr 0.2", "sgd", lr=0.2), _changed("0.2, then 0.1", 0.2, 400, 0.5)],
        "probes": [_sharpness(10), *landscape("pca", every=40, paths=20)],
    },
)

EDGE_DOUBLED = Preset(
    name="edge-doubled",
    title="Doubling the rate blows up",
    sentence="Twenty points of a polynomial leave no room: when a lane at the edge doubles its rate, each step "
    "is larger than the one before, and it ends as diverged; the other goes on.",
    request={
        "kind": "train",
        "name": "Doubling the rate blows up",
        "problem": _half_squared({"kind": "chebyshev", "points": 20, "degree": 4}, [30, 20]),
        "dtype": "float64",
        "steps": 2000,
        "pace": 100.0,
        "eval_every": 20,
        "lanes": [lane("lr 0.2", "sgd", lr=0.2), _changed("0.2, then 0.4", 0.2, 1500, 2.0)],
        "probes": [_sharpness(10), *landscape("pca", every=90, paths=45)],
    },
)

EDGES = (
    EDGE,
    EDGE_CHEBYSHEV,
    EDGE_ADAM,
    EDGE_CROSS_ENTROPY,
    EDGE_RAISED,
    EDGE_LOWERED,
    EDGE_DOUBLED,
)
