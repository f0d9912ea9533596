"""Shared by the actions of all vendors.

A module here may import `account` and the rooms below it; it imports no vendor.
"""
