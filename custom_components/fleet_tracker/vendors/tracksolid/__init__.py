"""Tracksolid Pro (Jimi IoT): polled, pushed to us, commanded, and seen."""
