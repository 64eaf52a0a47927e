"""``python -m datacards``."""

from datacards.cli import main

if __name__ == "__main__":
    main()
