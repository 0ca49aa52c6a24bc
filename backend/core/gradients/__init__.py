"""The gradients of single examples, and what they tell about training."""
