"""The published language: every message that crosses a wall."""
