"""The search space: what may be tried, what must hold, and what was tried."""
