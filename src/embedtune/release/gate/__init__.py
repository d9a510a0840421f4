"""What judges a candidate: comparisons, sizes, and the decision that comes of them."""
