"""How requests reach a provider: the driver of flows, the transport, and what is kept of metadata and keys."""
