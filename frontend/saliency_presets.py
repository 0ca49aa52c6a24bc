"""Presets of saliency: what a network looks at, and how that comes about."""

from frontend.preset import Preset, landscape, lane

ATTRIBUTION = Preset(
    name="attribution-forms",
    title="Attribution forms",
    sentence="At first a class hangs on every pixel a little; strokes come out as the network learns. Move the time "
    "line to watch it again, and press Explain for other methods and classes.",
    request={
        "kind": "train",
        "name": "Attribution forms",
        "problem": {"data": {"kind": "digits"}, "model": {"kind": "cnn", "channels": [8, 16]}},
        "steps": 200,
        "batch_size": 128,
        "pace": 12.0,
        "lanes": [lane("Adam", "adam", lr=0.005)],
        "probes": [
            {
                "every": 10,
                "late": "wait",
                "analysis": {
                    "kind": "saliency",
                    "method": "gradient",
                    "compare": ["smoothgrad", "integrated_gradients", "grad_cam"],
                    "samples": 20,
                },
            },
            *landscape("pca", every=20, paths=10, resolution=17),
        ],
    },
)

BLOCKS = Preset(
    name="block-digits",
    title="Can maps be trusted?",
    sentence="The digit, above or below, tells the class; the square tells nothing, and yet maps light up on it. Press "
    "“Can I believe this?” for up to nine questions to each method, beside maps drawn at random.",
    request={
        "kind": "train",
        "name": "Can maps be trusted?",
        "problem": {
            "data": {"kind": "block_digits"},
            "model": {"kind": "mlp", "hidden": [64], "activation": "relu"},
        },
        "steps": 150,
        "batch_size": 64,
        "pace": 10.0,
        "lanes": [lane("Adam", "adam", lr=0.003)],
        "probes": [
            {
                "every": 10,
                "late": "wait",
                "analysis": {
                    "kind": "saliency",
                    "method": "gradient",
                    "compare": ["smoothgrad", "integrated_gradients", "guided_backprop"],
                    "samples": 20,
                },
            },
            *landscape("pca", every=20, paths=10, resolution=17),
        ],
    },
)

SALIENCY = (ATTRIBUTION, BLOCKS)
