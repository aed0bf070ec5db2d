"""Programs of users with a blocking router inside; each in an environment of its own (`make clients`)."""
