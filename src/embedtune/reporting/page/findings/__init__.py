"""The findings of a report, as values: computed, not drawn."""
