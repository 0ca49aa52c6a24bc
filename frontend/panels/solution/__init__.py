"""Panel: the solution of a differential equation."""
