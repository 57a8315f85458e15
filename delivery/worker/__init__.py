"""Background processes: the jobs of the workers, and the tick with its time-driven steps."""
