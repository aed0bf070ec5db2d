"""What replicas cost, and how soon they agree."""
