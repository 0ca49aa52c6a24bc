"""Directions, planes, grids, and the loss on them."""
