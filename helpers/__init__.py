"""A small client for the chat completions API, made to be read.

From the top down: ``client`` and ``async_client``, which share ``calls`` and ``streaming``; what
these use, ``routes``, ``parameters``, ``credentials``, ``network``, ``retry``, ``sse`` and
``assembly``; at the ground ``messages``, ``models``, ``errors`` and ``exchanges``. In place of the
network may stand a ``player`` or a ``recorder`` of ``cassettes``. A model's calls of functions are
made in ``tools``, pictures for it in ``images``. The other modules show things in the lessons: no
client needs them.

Importing this package costs little more than importing httpx: displays, widgets, Entra ID and
recordings are imported from their own modules by those who use them.
"""

from helpers.async_client import AsyncChatCompletionsClient
from helpers.client import ChatCompletionsClient
from helpers.errors import (
    AuthenticationError,
    BadParameterError,
    ChatError,
    ConfigurationError,
    ContentFilterError,
    ModelNotFoundError,
    NoRecordingError,
    RateLimitError,
    RecordingError,
    ServiceConnectionError,
    ServiceError,
    StreamInterruptedError,
)
from helpers.messages import (
    AssistantMessage,
    DeveloperMessage,
    SystemMessage,
    ToolMessage,
    UserMessage,
)
from helpers.models import ChatCompletions, CompletionsUsage, StreamingChatCompletionsUpdate
from helpers.streaming import AsyncCompletionStream, CompletionStream

__all__ = [
    "AssistantMessage",
    "AsyncChatCompletionsClient",
    "AsyncCompletionStream",
    "AuthenticationError",
    "BadParameterError",
    "ChatCompletions",
    "ChatCompletionsClient",
    "ChatError",
    "CompletionStream",
    "CompletionsUsage",
    "ConfigurationError",
    "ContentFilterError",
    "DeveloperMessage",
    "ModelNotFoundError",
    "NoRecordingError",
    "RateLimitError",
    "RecordingError",
    "ServiceConnectionError",
    "ServiceError",
    "StreamInterruptedError",
    "StreamingChatCompletionsUpdate",
    "SystemMessage",
    "ToolMessage",
    "UserMessage",
]
