"""`amphi loadtest`: thousands of simulated listeners, from one process, at a live of this installation."""
