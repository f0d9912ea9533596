"""Tests with a browser, in front of the demo. `script/test-browser` runs them.

They need the demo's environment, so that `script/test` leaves them out.
"""
