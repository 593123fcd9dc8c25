"""`python -m topores`, as torchrun and accelerate launch need it."""

from topores.cli import main

if __name__ == "__main__":
    main()
