"""Makes the local issuer's keys and hands the services the public half alone: `issuer.py LOCAL_FOLDER JWKS_FOLDER`.

For a platform on one's own machine. Anywhere else tokens come from an identity provider, and nothing here is used.
"""

import os
import sys
from pathlib import Path

from eventkernel.issuer import LocalIssuer


def main(local: Path, public: Path) -> None:
    """Keeps the private key in `local/issuer`, where `mentorstream token` looks, and copies `jwks.json` to `public`."""
    folder = local / "issuer"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    issuer = LocalIssuer(folder, os.environ.get("MENTORSTREAM_MODE", "local"))
    # Swapped in whole: a service that reads it at this moment sees the old set or the new one.
    draft = public / ".jwks.json"
    draft.write_bytes(issuer.jwks.read_bytes())
    draft.replace(public / "jwks.json")
    sys.stdout.write(f"tokens of {issuer.issuer} for {issuer.audience} are verified with {public / 'jwks.json'}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
