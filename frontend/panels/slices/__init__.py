"""Slices: the loss along a line."""
