"""Tests of what vendors offer."""
