"""What script/bench measures: what a fleet costs Home Assistant."""
