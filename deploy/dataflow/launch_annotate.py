"""What the Flex Template launcher runs: `pipelines.annotate`, from a file of its own."""

import sys

from pipelines.annotate import main

if __name__ == "__main__":
    sys.exit(main())
