"""How far each layer's weights have turned from where they began.

Shapes: P parameters in all.
"""

from torch import Tensor

from backend.core.problems.params import Layout


def layer_rotation(layout: Layout, now_P: Tensor, start_P: Tensor) -> dict[str, float]:
    """Return 1 − cos(w(t), w(0)) of each kernel: 0 not turned (scaling does not turn), 1 at right angles, 2 reversed.

    Tensors of one axis (biases, norms' scales) are left out: they start at or near 0. NaN where a kernel is 0.

    Carbonnelle & De Vleeschouwer 2018, Layer rotation: a surprisingly powerful indicator of generalization in deep
    networks?

    Args:
        layout: names and shapes.
        now_P: the parameters.
        start_P: those at the beginning.

    Returns:
        The rotations, by the tensor's name.
    """
    found = {}
    for name, shape, start, end in layout.slices:
        if len(shape) > 1:
            now, then = now_P[start:end].double(), start_P[start:end].double()
            found[name] = float(1 - now @ then / (now.norm() * then.norm()))
    return found
