"""The Open API of Tracksolid Pro: its calls, its records, its errors.

A module here imports nothing of the vendor but this room, and no Home Assistant.
"""
