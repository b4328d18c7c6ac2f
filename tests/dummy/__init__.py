"""A chain of two services, small enough to be understood at a glance and real enough to be killed at any moment."""
