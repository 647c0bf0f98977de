"""Doors: the loop that moves a bolt, fire and lockdown, and what may be commanded."""
