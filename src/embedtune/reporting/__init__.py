"""Views of a study for people: tables, the live view, the page."""
