"""A vendor's part for Home Assistant: its record, forms, actions and entities.

A module here may import Home Assistant, `contract`, `model` and the constants; it imports
no account and no platform.
"""
