"""GitHub as the place where runs happen, through PyGithub."""
