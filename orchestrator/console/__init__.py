"""What people and other services see: the web app (JSON API, pages, webhooks) and the command line."""
