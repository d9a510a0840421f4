"""The study as one self-contained page: records into info, info into figures, both into HTML."""
