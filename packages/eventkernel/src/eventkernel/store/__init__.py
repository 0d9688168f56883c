"""The adapters of the kernel's store: in memory for tests, MongoDB for everything that must last."""
