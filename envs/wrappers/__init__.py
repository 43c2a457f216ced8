"""Wrappers between an emulator and an agent."""
