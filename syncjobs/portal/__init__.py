"""The portal: pages and fragments for people. A door: it asks operations and reads rows, and changes nothing itself."""
