"""A real Home Assistant under load and failures, and what got lost in it."""
