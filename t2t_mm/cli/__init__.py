"""The commands, one file each; `app` runs them."""
