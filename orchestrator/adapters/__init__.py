"""What the flow asks of the world, answered by real places. Each adapter maps the other side's errors to ours, once."""
