"""Intrinsic dimension: how well training does in random subspaces of growing dimension."""
