# SPDX-License-Identifier: Apache-2.0
"""LIST and what lies beside it: the golden captures as the tests take them."""
import dataclasses
import gzip
import json
import os

import rows

HERE = os.path.dirname(os.path.abspath(__file__))


@dataclasses.dataclass
class Golden:
    name: str
    path: str
    options: list           # for certtap
    facts: dict

    def read(self, *more):
        return rows.read(*self.options, *more, self.path)

    def data(self):
        with gzip.open(self.path) if self.path.endswith(".gz") else open(self.path, "rb") as f:
            return f.read()


def listed(names=()):
    """Every line of LIST, or those named."""
    with open(os.path.join(HERE, "LIST")) as f:
        lines = [line.rstrip("\n").split("\t") for line in f
                 if line.strip() and not line.startswith("#")]
    for name, capture, options, _ in lines:
        if not names or name in names:
            with open(os.path.join(HERE, name + ".facts")) as f:
                told = json.load(f)
            yield Golden(name, os.path.join(HERE, capture),
                         [] if options == "-" else options.split(), told)
