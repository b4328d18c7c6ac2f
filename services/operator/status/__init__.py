"""How an installation is, on one screen: what runs, what waits, what is left to do, and what needs its operator."""
