"""What the cameras need of Home Assistant: streams, downloads, a picture that stands in.

A module here may import `account` and the rooms below it; it imports no vendor.
"""
