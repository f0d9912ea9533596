"""Home Assistant's side of the cameras: streams, downloads, a picture that stands in.

A module here may import `account` and the rooms below it; it imports no vendor.
"""
