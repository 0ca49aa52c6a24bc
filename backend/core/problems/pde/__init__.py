"""Differential equations as problems: derivatives, points, trial functions, and one file an equation."""
