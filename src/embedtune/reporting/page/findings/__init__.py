"""What a report says, as values: computed, not drawn."""
