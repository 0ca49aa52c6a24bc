"""Overlap: how much of gradient and update lies in the top eigenspace, step by step."""
