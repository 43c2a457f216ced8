"""The source of HillHopper: C, a little 68000 assembly, and Python that draws."""
