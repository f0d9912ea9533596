"""The trips of an account that are kept, for years.

`records` is a kept trip and its lines, `month` a file of these, `routes` the file of ways,
and `kept` all of them for an account. A module here may import what its room may.
"""
