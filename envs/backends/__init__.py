"""Emulators as games: stable-retro, ViZDoom, ALE and gymnasium, and what is known of their games.

Begin with `registry`, which finds the backend of a game by its name. An emulator is imported only
when a game of its own is asked for.
"""
