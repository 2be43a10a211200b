"""An installed app whose controller never stops by itself; for tests of what happens then."""
