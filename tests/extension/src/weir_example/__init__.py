"""What a package of your own may add to Weir: one of each."""
