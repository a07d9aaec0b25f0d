"""`ml-intern doctor`: what is wrong with the set-up and the stored sessions, and its repair."""
