"""A month of driving, whose every trip is planned and counted."""
