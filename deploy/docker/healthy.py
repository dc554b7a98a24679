"""Exit code 0 where an address of this container answers with 200: what the image's health check asks.

`healthy.py [URL]`, without one PRIVWATCH_HEALTH or the daemon's usual page. A certificate is not checked: it
is for the name by which others reach us, and this is a look at ourselves.
"""

import os
import ssl
import sys
import urllib.error
import urllib.request

USUAL = "http://127.0.0.1:9108/healthz"


def main() -> int:
    """0 healthy, 1 not; the reason is printed, and `docker inspect` shows it."""
    url = sys.argv[1] if len(sys.argv) > 1 else os.environ.get("PRIVWATCH_HEALTH", USUAL)
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        # The address is ours, from the image or its settings.
        with urllib.request.urlopen(url, timeout=4, context=context) as answer:  # noqa: S310 - see above
            print(f"{url}: {answer.status}")  # noqa: T201 - what it is for
            return 0
    except (OSError, urllib.error.URLError, ValueError) as error:
        print(f"{url}: {error}")  # noqa: T201 - as above
        return 1


if __name__ == "__main__":
    sys.exit(main())
