"""Spectrum: the density of the Hessian's eigenvalues, with the largest ones as stems over it."""
