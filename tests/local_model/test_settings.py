"""The settings of the server that fail without a word: each test is seen to fail on a wrong one.

A test is a property that a server has or has not; the right server has it, and one that differs in
a single setting has not.
"""

from collections.abc import Callable
from contextlib import suppress

import psutil
import pytest

from helpers.local_model import MAX_ANSWER, LocalModelServer
from tests.local_model.conftest import ask, words_of

pytestmark = pytest.mark.model

NEUTRAL = {"top_p": 1, "top_k": 0, "min_p": 0}


class WrongServer(LocalModelServer):
    """A server that takes one setting from the environment."""

    module = "tests.local_model.wrong_server"


def temperature_is_1_unless_named(server: LocalModelServer) -> bool:
    unnamed = ask(server, temperature=None, seed=3, **NEUTRAL)
    return words_of(unnamed) == words_of(ask(server, temperature=1, seed=3, **NEUTRAL))


def no_token_is_cut_away(server: LocalModelServer) -> bool:
    """At temperature 2 the tail holds most of the probability: whatever cuts it changes words."""
    unnamed = ask(server, temperature=2, seed=3)
    return words_of(unnamed) == words_of(ask(server, temperature=2, seed=3, **NEUTRAL))


def penalties_see_the_whole_text(server: LocalModelServer) -> bool:
    plain, unnamed, named = (
        words_of(ask(server, max_tokens=120, **fields))
        for fields in (
            {},
            {"frequency_penalty": 1.5},
            {"frequency_penalty": 1.5, "repeat_last_n": 8192},
        )
    )
    return plain != unnamed and unnamed == named


def nothing_is_kept_from_earlier_requests(server: LocalModelServer) -> bool:
    answers = [ask(server, max_tokens=5) for _ in range(2)]
    return all(one["usage"]["prompt_tokens_details"]["cached_tokens"] == 0 for one in answers)


def one_thread_computes(server: LocalModelServer) -> bool:
    """No other thread of the process takes a tenth of the time that the busiest one takes."""

    def seconds() -> dict[int, float]:
        assert server._process is not None
        threads = psutil.Process(server._process.pid).threads()
        return {one.id: one.user_time + one.system_time for one in threads}

    before = seconds()
    ask(server, max_tokens=80)
    spent = sorted(after - before.get(thread, 0) for thread, after in seconds().items())
    return len(spent) < 2 or spent[-2] < spent[-1] / 10


PROPERTIES: dict[Callable[[LocalModelServer], bool], list[str]] = {
    temperature_is_1_unless_named: ["sampling.temp=0.8"],
    no_token_is_cut_away: ["sampling.top_p=0.95", "sampling.top_k=40", "sampling.min_p=0.05"],
    penalties_see_the_whole_text: ["sampling.penalty_last_n=64", "sampling.penalty_last_n=-1"],
    nothing_is_kept_from_earlier_requests: ["cache_prompt=true"],
    one_thread_computes: ["cpuparams.n_threads=2"],
}
WRONG = [(has, setting) for has, settings in PROPERTIES.items() for setting in settings]


@pytest.mark.parametrize("has", PROPERTIES, ids=lambda has: has.__name__)
def test_the_server_has_the_property(
    server: LocalModelServer, has: Callable[[LocalModelServer], bool]
) -> None:
    with suppress(psutil.AccessDenied):  # macOS tells of threads only to root
        assert has(server)


@pytest.mark.parametrize(("has", "setting"), WRONG)
def test_a_server_with_a_wrong_setting_has_not(
    installed: None,
    has: Callable[[LocalModelServer], bool],
    setting: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("WRONG_SETTING", setting)
    with WrongServer() as server, suppress(psutil.AccessDenied):
        assert not has(server)


def test_an_answer_without_a_cap_ends(server: LocalModelServer) -> None:
    answer = ask(
        server, "Tell me a long story.", max_tokens=None, logit_bias={"2": -100}
    )  # 2: the end
    assert answer["usage"]["completion_tokens"] == MAX_ANSWER
