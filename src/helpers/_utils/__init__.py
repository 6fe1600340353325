"""What every room uses: checks of input, progress, hashes, names imported when they are used."""
