"""Options of encoders: one file per encoder that has any, under the encoder's name, and free of torch."""
