"""The pictures of a report: drawn, not computed."""
