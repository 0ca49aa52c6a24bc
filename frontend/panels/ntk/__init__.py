"""Tangent kernel: its eigenvalues along training, and how it turns towards the targets."""
