"""The doors that vendors push through.

A module here may import `account`, the rooms below it and the registry of vendors.
"""
