"""Singular values: of each kernel along training, beside what random entries would give."""
