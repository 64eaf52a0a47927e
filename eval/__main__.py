"""``python -m eval``: the shell's own ``eval`` hides a script of that name."""

from eval.cli import main

if __name__ == "__main__":
    main(prog_name="python -m eval")
