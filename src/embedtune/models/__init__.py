"""Base models: found, checked and loaded."""
