"""The past of a vehicle as it is known without its vendor.

`recorded` is what Home Assistant's recorder remembers of its entities, `own` puts that
together with the trips that were found and the evidence they were found in.
"""
