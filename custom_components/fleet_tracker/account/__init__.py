"""One account of a vendor, as long as it is loaded: its vehicles, what is kept, its problems.

A module here may import Home Assistant and the rooms below (`offer`, `contract`, `model`,
`transport`); it imports no platform, no action and no vendor.
"""
