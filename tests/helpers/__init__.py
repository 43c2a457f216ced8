"""What tests share: games of scripted frames, launched scripts, comparisons of runs. No tests."""
