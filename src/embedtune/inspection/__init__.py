"""What a careful person reads of the data before spending GPU hours on it, in the terminal, as JSON and as a page."""
