"""What upstream projects publish: release files and images, checked against pinned sums."""
