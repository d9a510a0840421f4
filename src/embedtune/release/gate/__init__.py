"""Judging a candidate: comparisons, sizes, and the decision that follows from them."""
