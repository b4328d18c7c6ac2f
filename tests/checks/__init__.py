"""Valid messages of a valid world, and how to spoil them in just one place: what the tests of the checks share."""
