"""The logs of all processes of an installation as one."""
