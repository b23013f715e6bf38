"""Fill corpus/<target>/ from the seeds, and from the shared data where it lies beside the repository."""

import hashlib
import json
import shutil
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
SHARED = HERE.parents[2] / "shared" / "data"


def main(target):
    corpus = HERE / "corpus" / target
    corpus.mkdir(parents=True, exist_ok=True)
    for seed in (HERE / "seeds" / target).iterdir():
        shutil.copy(seed, corpus)
    for parts in shared(target) if SHARED.is_dir() else ():
        data = "\x1f".join(parts).encode()
        (corpus / hashlib.sha1(data).hexdigest()).write_bytes(data)


def shared(target):
    if target == "mapping":
        for path in (SHARED / "transformations").iterdir():
            yield [path.read_text()]
        for example in json.loads((SHARED / "mapping-examples.json").read_text()):
            if isinstance(example.get("transformation"), dict):
                yield [json.dumps({"user": example["transformation"]}), json.dumps(example.get("input"))]
    if target in ("path", "condition", "json"):
        cases = json.loads((SHARED / "jsonpath-cases.json").read_text())
        if target == "json":
            yield from ([json.dumps(document)] for document in cases["documents"].values())
            return
        for case in cases["cases"]:
            text = case.get("condition") if target == "condition" else case["path"]
            if text is not None:
                yield [text]


main(sys.argv[1])
