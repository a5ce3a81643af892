"""The figures of an evaluation; they load matplotlib, so they are imported where they are drawn."""
