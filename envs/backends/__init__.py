"""Emulators as games: stable-retro, ViZDoom, ALE and gymnasium, with facts about their games.

Begin with `registry`, which finds the description of a game by its name, and `spec`, which defines
this description and the interface of a backend. An emulator is imported only for a game of its own.
"""
