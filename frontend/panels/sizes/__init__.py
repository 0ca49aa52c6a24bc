"""Sizes: how large the entries of gradients, weights and steps are, layer by layer."""
