"""What a track is made of, as more than a thousand named numbers: the input of the model that joins them to its DNA."""
