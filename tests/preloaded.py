"""What takes a role's process most of its start: libraries, and what all roles share.

``tests.forking`` imports this once, and each role of a test begins as a fork of that.  The roles themselves are not
here: a role imports its own modules, so that what it forgot to import is missing.
"""

import gc

import aiohttp
import aiomqtt
import asyncpg
import cel
import cramjam
import faust
import jsonschema_rs
import pydantic
import ruamel.yaml
import structlog

import streams.app
import streams.topics
import streams.transport

LIBRARIES = (aiohttp, aiomqtt, asyncpg, cel, cramjam, faust, jsonschema_rs, pydantic, ruamel.yaml, structlog)
SHARED = (streams.app, streams.topics, streams.transport)

gc.freeze()  # no fork looks for garbage here, nor copies the pages by looking
