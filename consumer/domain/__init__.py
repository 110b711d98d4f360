"""Values that travel through the pipeline; no I/O."""
