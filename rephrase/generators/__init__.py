"""Engines that write replies to prompts; heavy libraries are imported here only."""
