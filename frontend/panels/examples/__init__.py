"""Examples: every example by its gradient, with its picture where it is pointed at."""
