"""Conflict: classes as tasks, whose gradients pull together or against each other."""
