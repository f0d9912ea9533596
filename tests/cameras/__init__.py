"""Tests of the room `cameras`."""
