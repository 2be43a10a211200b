"""An installed app of controllers that wait, misbehave, get into each other's way or have thousands of targets."""
