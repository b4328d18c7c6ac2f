"""`renkei exchange show`: what became of one exchange, step by step, from the records of both blocks and the hub's."""
