"""The DVC stages: where files enter and leave. Each module reads, calls one function and writes."""
