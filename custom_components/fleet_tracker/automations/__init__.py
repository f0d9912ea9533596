"""What automations can be built on: one table of triggers and conditions.

A module here may import `model` and the constants. The root's `trigger`, `condition` and
`device_trigger` make Home Assistant's objects from the table; `script/write-automations`
writes their YAML files and their pages in the docs.
"""
