"""A committed reply: the stream, what it adds up to, its clocks, and the joint between two providers."""
