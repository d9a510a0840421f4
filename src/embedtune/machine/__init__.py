"""This computer: its disk, its software versions, its processes."""
