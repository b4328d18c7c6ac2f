"""The message on the wire (message.md section 3) as pure functions: commit, sign, seal, permit, and their checks."""
