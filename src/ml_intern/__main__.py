"""`python -m ml_intern` is the `ml-intern` command."""

from ml_intern.cli.app import main

if __name__ == "__main__":
    main()
