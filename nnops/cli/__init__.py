"""The command line: one module a group of commands; heavy imports stand in the bodies of commands."""
