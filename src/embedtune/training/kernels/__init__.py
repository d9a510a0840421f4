"""Arithmetic of our own for training on the CPU: attention and dropout, the rest is torch's."""
