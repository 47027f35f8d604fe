"""What small data sets need that the toolbox lacks."""
