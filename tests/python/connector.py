"""A source in Python: ten people out of nothing, and what came of trying to open files and sockets.

Its runtime imports the whole of WASI, files and sockets included; what it gets of them is nothing.
"""

import encodings.idna  # noqa: F401  only what is imported while the component is made is there when it runs
import json
import os
import socket

from componentize_py_types import Err
from wit_world import exports
from wit_world.exports import descriptor, source
from wit_world.imports import entity, failure, log

PEOPLE = 10

READ = {
    "user": {
        "mappings": [
            {"sourcePath": "$", "targetPath": "$"},
            {"sourcePath": "$.userName", "targetVariable": "entityIdSourceSystem"},
        ]
    }
}


class Descriptor(exports.Descriptor):
    def describe(self):
        return descriptor.Description(
            id="python",
            version="1.0.0",
            summary="Ten people, written in Python.",
            roles=[descriptor.Role.SOURCE],
            entity_types=[descriptor.EntityType("user", ["userName"], descriptor.Abilities.READ_ALL)],
            properties=[
                descriptor.Property(
                    name="python.elsewhere",
                    kind=descriptor.PropertyKind_Text(),
                    default=None,
                    required=True,
                    credential=False,
                    help="An address, host:port, it may not connect to.",
                    roles=[],
                )
            ],
            capabilities=[],
            default_read_transformation=json.dumps(READ),
            default_write_transformation=None,
        )


class Source(exports.Source):
    elsewhere = ""

    def open(self, settings):
        for setting in settings.properties:
            if setting.name == "python.elsewhere":
                Source.elsewhere = setting.value
        if ":" not in Source.elsewhere:
            raise Err(failure.Failure(failure.Kind_InvalidSettings(), "python.elsewhere is host:port"))

    def probe(self):
        return "ten people"

    def read_page(self, query):
        if not isinstance(query.scope, source.Scope_All):
            raise Err(failure.Failure(failure.Kind_Unsupported(), "only everything can be read"))
        log.write(log.Level.INFO, f"a page from {query.cursor or 'the start'}", None)
        first = int(query.cursor or 0)
        last = min(first + query.limit, PEOPLE)
        return source.Page(
            entities=[person(number) for number in range(first, last)],
            unreadable=[],
            deleted=[],
            next=str(last) if last < PEOPLE else None,
            delta_token=None,
            total=PEOPLE,
        )


def person(number):
    document = {"userName": f"P{number:02}", "name": {"familyName": "Čapek"}, "attempts": attempts() if number == 0 else {}}
    return entity.Entity(document["userName"], json.dumps(document, ensure_ascii=False))


def attempts():
    host, port = Source.elsewhere.rsplit(":", 1)
    return {
        "read": outcome(lambda: open("/etc/passwd").read()),
        "write": outcome(lambda: open("left-behind.txt", "w").write("here")),
        "list": outcome(lambda: ",".join(os.listdir("/"))),
        "environment": outcome(lambda: had(os.environ)),
        "connect": outcome(lambda: socket.create_connection((host, int(port)), timeout=5)),
        "listen": outcome(lambda: socket.create_server(("127.0.0.1", 0))),
        "lookup": outcome(lambda: socket.getaddrinfo("localhost", 80)),
    }


def had(names):
    if not names:
        raise LookupError("there is none")
    return ",".join(names)


def outcome(attempt):
    try:
        return f"got {attempt()}"
    except Exception as error:  # whatever it is: it was refused
        return f"refused: {type(error).__name__}: {error}"
