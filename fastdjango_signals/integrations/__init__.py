"""What sends the built-in signals: one module for each framework, imported by its full path."""
