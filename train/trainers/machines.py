"""Several machines that train together meet in the run's working folder, on a file system they share."""
