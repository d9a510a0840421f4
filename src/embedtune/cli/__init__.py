"""The command line: one grammar, one configuration, one error policy."""
