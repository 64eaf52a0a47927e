"""``python -m rephrase``."""

from rephrase.cli import main

if __name__ == "__main__":
    main()
