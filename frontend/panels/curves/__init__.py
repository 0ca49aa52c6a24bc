"""Training curves: loss, accuracy, gradient norm and learning rate of every lane."""
