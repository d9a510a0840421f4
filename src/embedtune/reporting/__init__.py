"""What people read of a study: tables, the live view, the page."""
