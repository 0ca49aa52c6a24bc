"""Presets of gradients: what single examples' gradients, the weights and the steps tell while a network learns."""

from frontend.preset import Preset, landscape, lane

_DIGITS = {"data": {"kind": "digits", "examples": 500}, "model": {"kind": "mlp", "hidden": [32, 32]}}

GRADIENTS_SEEN = Preset(
    name="gradients-seen",
    title="Gradients seen",
    sentence="While much is to be learned an average gradient helps five examples; at the end hardly more than its "
    "own. Point at an example to see it; conflicting classes and opposed pairs are below.",
    request={
        "kind": "train",
        "name": "Gradients seen",
        "problem": _DIGITS,
        "steps": 240,
        "batch_size": 64,
        "pace": 12.0,
        "lanes": [lane("SGD", "sgd", lr=0.1), lane("Adam", "adam", lr=0.003)],
        "probes": [
            {
                "every": 10,
                "late": "wait",
                "analysis": {
                    "kind": "gradient_stats",
                    "examples": 256,
                    "statistics": [
                        "coherence",
                        "signal_to_noise",
                        "gradient_norm",
                        "update_ratio",
                        "noise_scale",
                        "layer_rotation",
                        "examples",
                        "conflict",
                        "opposing",
                        "gradient_histogram",
                        "singular_values",
                    ],
                },
            },
            *landscape("pca", every=20, paths=10, resolution=17),
        ],
    },
)

TANGENT_KERNEL = Preset(
    name="tangent-kernel",
    title="The kernel that learns",
    sentence="In a very wide network the tangent kernel would stay as it is. Here it turns towards the labels, and its "
    "largest eigenvalue grows forty times.",
    request={
        "kind": "train",
        "name": "The kernel that learns",
        "problem": _DIGITS,
        "steps": 200,
        "batch_size": 64,
        "pace": 10.0,
        "lanes": [lane("Momentum", "sgd", lr=0.05, momentum=0.9)],
        "probes": [
            {"every": 10, "late": "wait", "analysis": {"kind": "ntk", "examples": 48}},
            *landscape("pca", every=20, paths=10, resolution=17),
        ],
    },
)

GRADIENTS = (GRADIENTS_SEEN, TANGENT_KERNEL)
