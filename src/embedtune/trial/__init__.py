"""One trial: trained, measured, recorded, and resumed after its process died."""
