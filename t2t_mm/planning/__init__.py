"""What a run would take, on paper: memory, traffic and operations, without training."""
