"""`python -m gcdp_bench` is the command line (for `accelerate launch -m gcdp_bench`)."""

from gcdp_bench.cli import main

if __name__ == "__main__":
    main()
