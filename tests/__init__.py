"""What Renkei must do."""
