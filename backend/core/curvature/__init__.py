"""Curvature: the Hessian and its kin as operators, and what can be learnt of them from products with vectors."""
