"""The only shared library of the services: loop, logs, tables, keys, settings, metrics, logging."""
