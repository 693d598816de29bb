"""What a provider must refuse: plain functions over what was asked; no web framework, no state of their own."""
