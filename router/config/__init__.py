"""A router from a file: the only reader of files and of the environment in the library.

    [[provider]]                    # the order of these tables is the priority
    adapter = "h2o"
    base_url = "https://chat.example.org"

    [[provider]]
    adapter = "openai"
    base_url = "https://api.example.org/v1"
    api_key = { env = "EXAMPLE_API_KEY" }

    [timeouts]
    total = 120

Keys, types and defaults are those of the constructors of the adapters and of the policies; nothing is listed
twice. What wins, from the strongest: the arguments of a request; the options of the command; the file; the
defaults. A policy that stands in the file replaces its defaults key by key.

Reading reports all mistakes at once (`ConfigError`), names the environment variables and files that are
missing, and connects to nothing.
"""

from router.config.json_schema import schema, schema_text
from router.config.loading import Config, load
from router.config.showing import shown

__all__ = ["Config", "load", "schema", "schema_text", "shown"]
