"""Tests of the VT3 trackers."""
