"""FLOPs and the cost of training."""
