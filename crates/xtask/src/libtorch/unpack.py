"""unpack.py WHEEL TARGET [PREFIX PLACE]…: takes the named parts out of a wheel.

Every file whose name begins with PREFIX goes to TARGET/PLACE + the rest of its name. Reading checks each file's CRC.
A part that matches nothing is an error: the wheel is not the one we know.
"""

import os
import pathlib
import shutil
import sys
import zipfile

wheel, target, *parts = sys.argv[1:]
with zipfile.ZipFile(wheel) as archive:
    for prefix, place in zip(parts[::2], parts[1::2]):
        names = [name for name in archive.namelist() if name.startswith(prefix) and not name.endswith("/")]
        if not names:
            sys.exit(f"it has no {prefix}")
        for name in names:
            path = pathlib.Path(target, place + name[len(prefix):])
            path.parent.mkdir(parents=True, exist_ok=True)
            with archive.open(name) as source, open(path, "wb") as out:
                shutil.copyfileobj(source, out, 1 << 20)
                if path.suffix != ".h":
                    # The rename that follows must not become durable before the libraries are.
                    out.flush()
                    os.fsync(out.fileno())
