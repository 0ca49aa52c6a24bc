"""The learning-rate sweep: the loss that each rule reaches at each rate."""
