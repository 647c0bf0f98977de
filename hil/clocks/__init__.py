"""A clock among liars: nobody gets in whom the rules would not let in at the true time."""
