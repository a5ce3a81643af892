"""``nnops`` and ``python -m nnops``."""

import atexit
import gc
import sys

from nnops.errors import NnopsError, explain_refusal

#: So many collections of middle-aged objects come before one of all; Python's own number is 10.
OLD = 100


def main() -> None:
    """Run the command line; an error of nnops is one sentence and an exit code, unless ``--debug`` is given."""
    from nnops.cli.app import run

    # By default all that torch loads is searched for reference cycles while it loads and again at the end: .6 s.
    young, middle, _ = gc.get_threshold()
    gc.set_threshold(young, middle, OLD)
    atexit.register(gc.freeze)
    debug = "--debug" in sys.argv
    if debug:
        sys.argv.remove("--debug")
    try:
        run()
    except NnopsError as error:
        if debug:
            raise
        print(f"nnops: {error}", file=sys.stderr)
        raise SystemExit(error.exit_code) from error
    except KeyboardInterrupt:
        print("nnops: interrupted.", file=sys.stderr)
        raise SystemExit(130) from None
    except BrokenPipeError:
        # The reader of our output has gone, for instance 'head'; nothing is left to say.
        sys.stderr.close()
        raise SystemExit(1) from None
    except OSError as error:
        refusal = explain_refusal(error)
        if debug or refusal is None:
            raise
        print(f"nnops: {refusal}", file=sys.stderr)
        raise SystemExit(1) from error


if __name__ == "__main__":
    main()
