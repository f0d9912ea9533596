"""What automations can be built on."""
