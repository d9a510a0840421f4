"""The Hydra sweeper of embedtune."""
