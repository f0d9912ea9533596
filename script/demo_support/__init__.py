"""The demo: simulated vendors, and a real Home Assistant that shows their vehicles."""
