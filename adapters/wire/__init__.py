"""Sans-I/O codecs: bytes in, events out."""
