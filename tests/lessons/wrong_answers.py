"""Wrong answers to the exercises: the solution, with one piece of its code replaced by another."""

WRONG: dict[str, list[tuple[str, str]]] = {
    # what stands in the solution, and what the wrong answer has in its place
    "00-start-here": [
        ('endpoint.endswith("/models")', '"models" in endpoint'),
        ('.rstrip("/")', ""),
        ('"v1" if endpoint.endswith("/openai/v1") else None', '"v1"'),
    ],
    "01-basic-call": [
        ("[question, first.message, follow_up]", "[follow_up]"),
        (", max_tokens=12", ""),
        ("[question])", "[question], max_tokens=12)"),
        ('" …" if a.finish_reason in is_cut else ""', '""'),
        ('" …" if a.finish_reason in is_cut else ""', '" …"'),
    ],
    "02-streaming": [
        (", max_tokens=30", ""),
        ("text.strip()", "text"),
        ('update.content != ""', "1"),
        ('text = ""\n', 'text, pieces = "", 0\n'),
        ("(text.strip(), pieces)", "text.strip()"),
    ],
    "03-parameters": [
        ("min(max(fitting[name], low), high)", "min(fitting[name], high)"),
        ("fitting.get(name) is not None", "name in fitting"),
        ('"temperature": (0, 1),', ""),
        ('"top_p": (0, 1),', ""),
        ('"frequency_penalty": (-2, 2),', ""),
        ('"presence_penalty": (-2, 2),', ""),
    ],
    "04-json-mode": [
        ('completion.finish_reason != "stop"', 'completion.finish_reason == "length"'),
        ("except json.JSONDecodeError", "except KeyError"),
        ("data if isinstance(data, dict) else None", "data"),
        ("data if isinstance(data, dict) else None", "data or None"),
        ("return None", "return {}"),
    ],
    "05-extra-parameters": [
        ("top_logprobs=2", "top_logprobs=3"),
        ('>= exp(entry["logprob"]) / 2', ">= 0.37"),
        ("/ 2", "/ 4"),
        ('(entry["token"], other["token"])', '(other["token"], entry["token"])'),
    ],
    "06-tools": [
        ('call.function.name == "next_train"', "True"),
        ("messages.append(asking.message)", ""),
        ("asking.message.tool_calls", "asking.message.tool_calls[::-1]"),
        ("tools=tools.definitions).content", ").content"),
    ],
    "07-content-safety": [
        ("except ContentFilterError", "except KeyError"),
        ("outcome = failure", "continue"),
        ("filter_results(outcome).values()", '[filter_results(outcome).get("prompt", {})]'),
        ("filter_results(outcome).values()", '[filter_results(outcome).get("answer", {})]'),
        (" if verdict.filtered", ""),
        ("{name for place", "{str(place) for place"),
    ],
    "08-images": [
        ("512", "1024"),
        ('("high", "low")', '("low", "high")'),
        ("picture.item(detail)", "picture.item()"),
        ('tokens["high"] - tokens["low"]', 'tokens["low"] - tokens["high"]'),
    ],
    "09-moving-to-v1": [
        ('"messages": "input", ', ""),
        ('("max_tokens", "max_completion_tokens")', '["max_tokens"]'),
        ('("max_tokens", "max_completion_tokens")', '["max_completion_tokens"]'),
        ('{"type": tool["type"], **tool["function"]}', 'tool["function"]'),
        ("return moved", 'moved.pop("temperature", None)\n    return moved'),
    ],
    "10-reasoning-models": [
        ("(100, 200, 400, 800, 1600)", "(100,)"),
        ("(100, 200, 400, 800, 1600)", "(1600,)"),
        ("(100, 200, 400, 800, 1600)", "(100, 200, 400, 800)"),
        ("return None", 'return ""'),
        (' or completion.finish_reason != "length"', ""),
        ("completion.content or ", ""),
    ],
}
