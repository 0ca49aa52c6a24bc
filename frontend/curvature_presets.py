"""Presets of the Hessian's eigenspaces: the spectrum through training, and where the gradient lies in it."""

from frontend.preset import Preset, landscape, lane

_DIGITS = {"data": {"kind": "digits", "examples": 500}, "model": {"kind": "mlp", "hidden": [32, 32]}}

SPECTRUM = Preset(
    name="bulk-and-outliers",
    title="Bulk and outliers",
    sentence="A few eigenvalues leave the bulk at zero as the network learns, and shrink when it has learned. Move the "
    "time line to watch it again.",
    request={
        "kind": "train",
        "name": "Bulk and outliers",
        "problem": _DIGITS,
        "steps": 200,
        "batch_size": 128,
        "pace": 8.0,
        "lanes": [lane("Momentum", "sgd", lr=0.1, momentum=0.9)],
        "probes": [
            {
                "every": 20,
                "late": "wait",
                "analysis": {"kind": "spectrum", "probes": 2, "outliers": 12, "beside": True},
            },
            *landscape("pca", every=20, paths=10, resolution=17),
        ],
    },
)

OVERLAP = Preset(
    name="tiny-subspace",
    title="A tiny subspace, or not",
    sentence="Whole batches leave the ten sharpest directions within fifty steps, small batches come back to them: the "
    "batch decides how much of the gradient lies there.",
    request={
        "kind": "train",
        "name": "A tiny subspace",
        "problem": _DIGITS,
        "steps": 300,
        "pace": 20.0,
        "lanes": [lane("lr 0.1", "sgd", lr=0.1), lane("lr 0.5", "sgd", lr=0.5)],
        "probes": [
            {"every": 15, "late": "wait", "analysis": {"kind": "overlap", "k": 10}},
            *landscape("pca", every=30, paths=15, resolution=17),
        ],
    },
    variants=tuple({"name": f"{name} batches", "batch_size": size} for name, size in (("whole", None), ("small", 32))),
)

CURVATURE = (SPECTRUM, OVERLAP)
