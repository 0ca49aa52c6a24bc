"""Teleportation: the gradient on the way to other weights of the same function, and descent from there."""
