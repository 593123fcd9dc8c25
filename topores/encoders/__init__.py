"""Floor 4: the encoders, which map passages to unit rows; one file per way of training a base model."""
