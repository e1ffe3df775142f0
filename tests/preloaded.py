"""What takes a role's process most of its start: libraries, and what roles share.

``tests.forking`` imports this once, and each role of a test begins as a fork of that.  The roles themselves are not
here: a role imports its own modules, so that what it forgot to import is missing.
"""

import gc

import aiohttp
import aiomqtt
import aiosmtplib
import asyncpg
import cel
import cramjam
import cryptography.x509
import fastapi
import faust
import jsonschema_rs
import jwt
import pydantic
import ruamel.yaml
import structlog

import streams.app
import streams.core.definition
import streams.topics
import streams.transport

LIBRARIES = (
    *(aiohttp, aiomqtt, aiosmtplib, asyncpg, cel, cramjam, cryptography.x509, fastapi, faust, jsonschema_rs, jwt),
    *(pydantic, ruamel.yaml, structlog),
)
SHARED = (streams.app, streams.core.definition, streams.topics, streams.transport)

gc.freeze()  # no fork looks for garbage here, nor copies the pages by looking
