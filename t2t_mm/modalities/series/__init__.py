"""Real-valued sequences."""
