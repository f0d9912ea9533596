"""A town of vehicles of all vendors, and Home Assistant beside it for days."""
