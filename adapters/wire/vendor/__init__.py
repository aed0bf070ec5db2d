"""What an error of a service means, in the words of vendors: its class, its scope, how long to stay away.

`classify` judges a body, `errors` makes the exception of it, `retry_after` reads how long to stay away. The
words are data, in `words`.
"""
