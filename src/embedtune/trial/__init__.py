"""One trial: trained, measured, recorded, and taken up again after its process died."""
