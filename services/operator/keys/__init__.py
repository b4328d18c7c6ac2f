"""Keys in the operator's hands: made, renewed, revoked, listed, and roots that go from one operator to another."""
