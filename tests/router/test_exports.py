"""The public names of the package: a change here is a change for users, and wants to be reviewed."""

import inspect

import router

PUBLIC = [
    "AdapterBroke",
    "AllProvidersFailed",
    "Attempt",
    "AttemptEnded",
    "AttemptStarted",
    "BreakerPolicy",
    "ChatOptions",
    "ChatRouterError",
    "Cheapest",
    "Choice",
    "CleanUpFailed",
    "ConfigError",
    "Cost",
    "CostBooked",
    "Disposition",
    "Event",
    "Fastest",
    "HealthReport",
    "HedgePolicy",
    "Interruption",
    "Keeper",
    "Monitor",
    "Observer",
    "ObserverFailed",
    "Price",
    "Prices",
    "Priority",
    "ProbeEnded",
    "ProviderHealth",
    "Reply",
    "ReplyStream",
    "ReplySwitched",
    "RequestAborted",
    "RequestEnded",
    "RequestStarted",
    "RetryBudget",
    "RetryPolicy",
    "Router",
    "RouterError",
    "SharingChanged",
    "Strategy",
    "StreamInterrupted",
    "SyncMonitor",
    "SyncReplyStream",
    "SyncRouter",
    "Timeouts",
    "ToolCall",
    "Verdict",
    "WaitStarted",
    "Weighted",
]


def test_the_public_names_are_those_that_were_reviewed():
    assert router.__all__ == PUBLIC


def test_the_public_names_are_sorted():
    assert sorted(router.__all__) == router.__all__


def test_every_public_name_is_there_and_no_other():
    assert [name for name in PUBLIC if not hasattr(router, name)] == []  # some are imported now
    there = {
        name
        for name, value in vars(router).items()
        if not name.startswith("_") and not inspect.ismodule(value)
    }

    assert set(PUBLIC) == there - {"TYPE_CHECKING", "Any"}


def test_every_public_class_and_method_says_what_it_is():
    for name in PUBLIC:
        value = getattr(router, name)
        if not inspect.isclass(value):
            continue
        assert inspect.getdoc(value), name
        for member, method in vars(value).items():
            if not member.startswith("_") and (inspect.isfunction(method) or isinstance(method, property)):
                assert inspect.getdoc(method), f"{name}.{member}"


def test_the_example_of_the_package_is_python():
    example = (router.__doc__ or "").split("\n\n")[1]

    compile("async def f():\n" + "\n".join("    " + line for line in example.splitlines()), "doc", "exec")
