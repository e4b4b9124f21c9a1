"""Evaluation: teacher-forced, and of decoded outputs."""
