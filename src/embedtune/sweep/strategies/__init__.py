"""Samplers and pruners: built from their configuration, and those of our own."""
