"""Worker processes: started, watched, replaced, stopped; and the trials they leave behind."""
