"""Sharpness: the Hessian's largest eigenvalue along training, beside each lane's edge of stability."""
