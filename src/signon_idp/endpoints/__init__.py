"""The provider's endpoints: each takes the provider, reads Flask's request, and gives a response."""
