"""A small client for the chat completions API, made to be read.

``client`` holds the client and stands alone; ``recordings`` replays and records in place of the
network; ``views`` shows things and ``widgets`` lets you operate them; ``commands`` is what
``python -m helpers`` does. ``connect`` makes the client of a lesson, ``tools`` calls the functions
that a model asks for, ``images`` prepares pictures, ``exercises`` checks answers.

Importing this package costs little more than importing httpx: displays, widgets, Entra ID and
recordings are imported from their own modules by those who use them.
"""

from helpers.client.client import AsyncChatCompletionsClient, ChatCompletionsClient
from helpers.client.errors import (
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
    ServiceTimeoutError,
    StreamFilteredError,
    StreamInterruptedError,
)
from helpers.client.messages import (
    AssistantMessage,
    DeveloperMessage,
    SystemMessage,
    ToolMessage,
    UserMessage,
)
from helpers.client.responses import (
    ChatCompletions,
    ChatCompletionsToolCall,
    CompletionsUsage,
    StreamingChatCompletionsUpdate,
)
from helpers.client.routes import MODELS_OPTIONS
from helpers.client.streaming import AsyncCompletionStream, CompletionStream
