"""Where the store is and whose it is: its address, its database, the workspace it belongs to."""
