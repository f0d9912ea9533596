"""Trips of a vehicle, found in what was heard of it: pure, and the same for every vendor.

`moments` is the evidence, `fold` finds trips in it, and `drive` counts the way of the one
that is under way. `vendor_trips` lets a vendor's own trips win, `telling` says what is new,
and `log` keeps all of it for one vehicle. What comes later than the evidence is `late`.
"""
