"""What an application can ask for, with no web framework: one module for each request."""
