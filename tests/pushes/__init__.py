"""Tests of the room `pushes`."""
