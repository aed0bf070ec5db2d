"""One dependable chat stream out of several undependable providers."""
