"""Evidence from MLflow servers and Azure ML workspaces, through MLflow's REST API."""
