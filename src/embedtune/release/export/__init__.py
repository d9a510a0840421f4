"""The folder that is released: made, checked, written, converted and uploaded."""
