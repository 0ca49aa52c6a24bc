"""Connectivity: the loss along paths between two ends."""
