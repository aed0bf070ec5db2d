"""What a user sets: retries, budget, breaker, hedge, timeouts, strategy, interruption. Pure."""
