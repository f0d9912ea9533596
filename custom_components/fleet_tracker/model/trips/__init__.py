"""Trips of a vehicle, found in what was heard of it: pure, and the same for every vendor.

`moments` is the evidence, `fold` finds trips in it, `telling` lets a vendor's own trips
win and says what is new, and `log` keeps all of it for one vehicle.
"""
