"""A recorded trial, run again and compared."""
