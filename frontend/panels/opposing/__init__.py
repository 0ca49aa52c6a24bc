"""Opposing signals: the examples that a step helped and hurt most, as pictures."""
