"""HillHopper, a platform game for the Sega Genesis: see README.md."""
