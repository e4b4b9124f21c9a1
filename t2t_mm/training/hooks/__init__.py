"""What happens around training steps: one concern per file, one protocol (base.py)."""
