"""What a vendor tells Home Assistant: its record, its forms, its actions, its entities.

A module here may import Home Assistant, `contract`, `model` and the constants; it imports
no account and no platform.
"""
