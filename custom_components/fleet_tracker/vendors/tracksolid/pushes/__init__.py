"""Pushes of Tracksolid Pro.

A module here may import `api` and the mapping, and no Home Assistant.
"""
