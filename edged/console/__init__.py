"""Web pages for staff, installers and the door's display: a client of the control socket."""
