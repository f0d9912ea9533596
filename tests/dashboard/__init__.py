"""Tests of what the browser is given. What it makes of it is tested in tests/browser."""
