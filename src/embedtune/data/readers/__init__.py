"""One module for each form in which people keep a task; all of them give drafts, with the place of each text."""
