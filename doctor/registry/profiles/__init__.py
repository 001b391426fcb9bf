"""What is particular to single registries: one .toml each, read by `doctor.registry.profile`."""
