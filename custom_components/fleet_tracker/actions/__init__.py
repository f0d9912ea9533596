"""What the actions of all vendors share.

A module here may import `account` and the rooms below it; it imports no vendor.
"""
