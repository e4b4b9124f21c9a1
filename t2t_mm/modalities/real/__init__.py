"""Real numbers."""
