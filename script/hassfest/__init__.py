"""Checks what Home Assistant's own validator (hassfest) checks, and texts against code."""
