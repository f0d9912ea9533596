"""Trips as files: GPX, KML and GeoJSON with their ways, or CSV for a logbook.

The formats are pure: they make text of trips. `export` gathers what they show.
"""
