"""Where and how a model runs: replicas of a strategy, compiled parts."""
