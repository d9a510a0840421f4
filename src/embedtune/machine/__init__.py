"""What this computer is and does: its disk, its versions, its processes."""
