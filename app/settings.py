"""Settings of the serving process: defaults, then environment variables, then command-line options."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, Self, get_args

EngineName = Literal["local", "inline", "ray"]
LogForm = Literal["text", "json"]
LogLevel = Literal["critical", "error", "warning", "info", "debug"]
PREFIX = "GRADSCAPE_"
LOCAL_NAMES = ("localhost", "127.0.0.1", "[::1]")
SHORTEST = 16  # characters of a token


class SettingsError(ValueError):
    """A setting has a value that cannot be used; the sentence says which, what was expected and what came."""


def default_data_dir(environ: Mapping[str, str] = os.environ) -> Path:
    """Return the folder for stored runs: ``$XDG_DATA_HOME/gradscape``, or ``~/.local/share/gradscape``."""
    base = environ.get("XDG_DATA_HOME", "")
    return (Path(base) if base else Path.home() / ".local" / "share") / "gradscape"


def _help(text: str, unit: str | None = None) -> dict[str, str | None]:
    return {"help": text, "unit": unit}


@dataclass(frozen=True)
class Settings:
    """All settings; each is read from ``GRADSCAPE_<NAME>`` in the environment.

    Attributes:
        host: address that the server listens on.
        port: TCP port; 0 takes a free one.
        data: folder of the database, snapshots and checkpoints.
        store_url: where snapshots, checkpoints and planes are kept, None for ``runs`` in the data folder.
        datasets: folder of the files of data sets, None for ``datasets`` in the data folder.
        problems: Python file of problems of one's own, None for none.
        engine: where runs are computed.
        ray_address: of the Ray cluster, None for one of its own on this machine.
        workers: number of worker processes, None to choose by the machine.
        body_limit: largest request body in MiB.
        import_limit: largest imported run in MiB.
        allowed_hosts: names that a request's Host header may carry, without port.
        origins: other sites whose pages may ask the API.
        token: what callers must know; None: one is made where others can reach the server.
        rate_limit: requests a second of one address, 0 for any number.
        queue_limit: most runs that wait, 0 for any number.
        max_hours: most hours that a run may compute, by its estimate, 0 for any.
        max_memory: most GiB that a run may take, by its estimate, None for this machine's, 0 for any.
        recording_limit: seconds of silence after which a recorded loop counts as dead, 0 for never.
        keep_days: days after which a run that has ended is forgotten, 0 for never.
        keep_size: most GiB of snapshots and checkpoints, 0 for any amount.
        log_level: least grave messages that are logged.
        log_form: how a message is written.
    """

    host: str = field(default="127.0.0.1", metadata=_help("Address to listen on; 127.0.0.1 is this machine alone."))
    port: int = field(default=8050, metadata=_help("TCP port to listen on; 0 takes a free one."))
    data: Path = field(
        default_factory=default_data_dir, metadata=_help("Folder of the database, snapshots and checkpoints.")
    )
    store_url: str | None = field(
        default=None,
        repr=False,
        metadata=_help(
            "URL of fsspec where snapshots, checkpoints and planes are kept; empty: runs in the data folder."
        ),
    )
    datasets: Path | None = field(
        default=None, metadata=_help("Folder of MNIST's and CIFAR-10's files; empty: datasets in the data folder.")
    )
    problems: Path | None = field(
        default=None, metadata=_help("Python file of problems of one's own; it is run, so it must be one you trust.")
    )
    engine: EngineName = field(
        default="local",
        metadata=_help("local: worker processes; ray: actors; inline: a thread of the server (for tests)."),
    )
    ray_address: str | None = field(
        default=None,
        metadata=_help("Ray cluster to join, as host:6379; empty: one of its own on this machine, for as long."),
    )
    workers: int | None = field(
        default=None,
        metadata=_help(
            "Worker processes; empty: one per GPU, or two on a CPU machine (two or more add spares for balls)."
        ),
    )
    body_limit: int = field(default=4, metadata=_help("Largest request body.", "MiB"))
    import_limit: int = field(
        default=256, metadata=_help("Largest exported run or file of weights to be taken.", "MiB")
    )
    allowed_hosts: tuple[str, ...] = field(
        default=LOCAL_NAMES,
        metadata=_help("Names that a request's Host header may carry (with any port), separated by commas."),
    )
    origins: tuple[str, ...] = field(
        default=(),
        metadata=_help("Other sites whose pages may ask the API (CORS), as https://lab.example, separated by commas."),
    )
    token: str | None = field(
        default=None,
        repr=False,
        metadata=_help(
            "Secret that callers must know, of 16 characters or more; empty: none on this machine alone, "
            "otherwise a new one is made and printed at each start. Also what gradscape run --server sends."
        ),
    )
    rate_limit: int = field(
        default=200,
        metadata=_help("Most requests of one address, ten seconds' worth at once; 0: any number.", "requests/s"),
    )
    queue_limit: int = field(
        default=1000, metadata=_help("Most runs that may wait for a worker; 0: any number.", "runs")
    )
    max_hours: int = field(
        default=72,
        metadata=_help("A run that would compute for longer on one worker, by its estimate, is refused; 0: none.", "h"),
    )
    max_memory: int | None = field(
        default=None,
        metadata=_help(
            "A run that would take more GiB of memory, by its estimate, is refused; empty: this machine's; 0: none."
        ),
    )
    recording_limit: int = field(
        default=300,
        metadata=_help("A recorded loop that is not heard of for so long has died, and its run ends; 0: never.", "s"),
    )
    keep_days: int = field(
        default=0,
        metadata=_help("Runs that ended longer ago are forgotten, unless they have the tag keep; 0: none.", "days"),
    )
    keep_size: int = field(
        default=0,
        metadata=_help("Where snapshots and checkpoints take more, the oldest runs are forgotten; 0: never.", "GiB"),
    )
    log_level: LogLevel = field(default="info", metadata=_help("Least grave messages that are logged."))
    log_form: LogForm = field(
        default="text", metadata=_help("text: lines for people; json: one object a line, with the run's id.")
    )

    @classmethod
    def read(cls, environ: Mapping[str, str] = os.environ, **options: Any) -> Self:
        """Read the settings.

        Args:
            environ: environment variables.
            options: values that win over the environment; those that are None do not count.

        Returns:
            The settings that hold.

        Raises:
            SettingsError: where a value is not of its form, or a ``GRADSCAPE_`` variable is unknown.
        """
        known = {f"{PREFIX}{each.name.upper()}": each.name for each in fields(cls)}
        unknown = sorted(name for name in environ if name.startswith(PREFIX) and name not in known)
        if unknown:
            raise SettingsError(f"unknown setting {unknown[0]}; expected one of {', '.join(known)}")
        values: dict[str, Any] = {}
        if "XDG_DATA_HOME" in environ:
            values["data"] = default_data_dir(environ)
        for variable, name in known.items():
            if environ.get(variable, "") != "":
                values[name] = _read(name, environ[variable], variable)
        for name, value in options.items():
            if value is not None:
                values[name] = _read(name, value, f"--{name.replace('_', '-')}") if isinstance(value, str) else value
        return cls(**values)


def _whole(text: str, source: str, low: int, high: int) -> int:
    try:
        number = int(text)
    except ValueError:
        raise SettingsError(f"{source}: expected a whole number, got {text!r}") from None
    if not low <= number <= high:
        raise SettingsError(f"{source}: expected {low} to {high}, got {number}")
    return number


def _one_of(text: str, source: str, choices: tuple[str, ...]) -> str:
    if text not in choices:
        raise SettingsError(f"{source}: expected one of {', '.join(choices)}, got {text!r}")
    return text


def _secret(text: str, source: str) -> str:
    """Check a token; its text stands in no sentence."""
    if len(text) < SHORTEST or not text.isascii() or not text.isprintable() or " " in text:
        raise SettingsError(
            f"{source}: expected {SHORTEST} or more visible ASCII characters, got {len(text)} or others"
        )
    return text


def _origin(text: str, source: str) -> str:
    scheme, _, place = text.partition("://")
    if scheme not in {"http", "https"} or not place or set(place) & set("/?#*@ "):
        raise SettingsError(f"{source}: expected an origin as https://lab.example, got {text!r}")
    return text


def _read(name: str, text: str, source: str) -> Any:
    match name:
        case "port":
            return _whole(text, source, 0, 65_535)
        case "workers":
            return _whole(text, source, 1, 256)
        case "body_limit" | "import_limit":
            return _whole(text, source, 1, 1 << 20)
        case "rate_limit" | "queue_limit" | "max_hours" | "max_memory" | "recording_limit" | "keep_days" | "keep_size":
            return _whole(text, source, 0, 1 << 20)
        case "token":
            return _secret(text, source)
        case "origins":
            return tuple(_origin(site.strip().lower(), source) for site in text.split(",") if site.strip())
        case "data" | "datasets" | "problems":
            return Path(text).expanduser()
        case "engine":
            return _one_of(text, source, get_args(EngineName))
        case "log_form":
            return _one_of(text.lower(), source, get_args(LogForm))
        case "log_level":
            return _one_of(text.lower(), source, get_args(LogLevel))
        case "allowed_hosts":
            return tuple(host.strip().lower() for host in text.split(",") if host.strip())
        case _:
            return text


def settings_table() -> tuple[tuple[str, str, str], ...]:
    """List the settings for help texts: variable, default with its unit, and meaning."""
    rows = []
    for each in fields(Settings):
        value = "~/.local/share/gradscape" if each.name == "data" else each.default
        shown = "" if value is None else ",".join(value) if isinstance(value, tuple) else str(value)
        unit = each.metadata["unit"]
        rows.append((f"{PREFIX}{each.name.upper()}", f"{shown} {unit}" if unit else shown, each.metadata["help"]))
    return tuple(rows)
