"""The commands: each takes the configuration and returns an answer; only the command line prints."""
