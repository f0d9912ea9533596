"""Segway e-mopeds and the other vehicles of the Segway Discovery API."""
