"""Settings: defaults, environment, options, and what is refused."""

from pathlib import Path

import pytest

from app.settings import PREFIX, Settings, SettingsError, default_data_dir, settings_table


def test_defaults_serve_this_machine_alone():
    settings = Settings.read({})
    assert (settings.host, settings.port, settings.engine, settings.workers) == ("127.0.0.1", 8050, "local", None)
    assert settings.allowed_hosts == ("localhost", "127.0.0.1", "[::1]")
    assert settings.body_limit == 4


def test_the_environment_wins_over_defaults_and_options_over_both():
    environ = {"GRADSCAPE_PORT": "9000", "GRADSCAPE_WORKERS": "3", "GRADSCAPE_ALLOWED_HOSTS": "Lab.example, localhost"}
    settings = Settings.read({**environ, "GRADSCAPE_HOST": ""}, port="9001", data=Path("/somewhere"), workers=None)
    assert (settings.port, settings.workers, settings.data) == (9001, 3, Path("/somewhere"))
    assert settings.allowed_hosts == ("lab.example", "localhost")
    assert settings.host == "127.0.0.1"


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("PORT", "web", "whole number, got 'web'"),
        ("PORT", "70000", "0 to 65535"),
        ("WORKERS", "0", "1 to 256"),
        ("BODY_LIMIT", "-1", "1 to"),
        ("ENGINE", "cloud", "local, inline"),
        ("LOG_LEVEL", "loud", "critical, error"),
        ("PROT", "1", "unknown setting GRADSCAPE_PROT"),
    ],
)
def test_a_value_that_cannot_be_is_refused_with_its_name(name, value, sentence):
    with pytest.raises(SettingsError, match=sentence) as refused:
        Settings.read({PREFIX + name: value})
    assert PREFIX + name in str(refused.value)


def test_an_option_is_refused_by_its_own_name():
    with pytest.raises(SettingsError, match="--port: expected a whole number"):
        Settings.read({}, port="x")


def test_data_lie_where_the_system_wants_them():
    assert default_data_dir({"XDG_DATA_HOME": "/x"}) == Path("/x/gradscape")
    assert default_data_dir({}) == Path.home() / ".local/share/gradscape"
    assert Settings.read({"XDG_DATA_HOME": "/x"}).data == Path("/x/gradscape")
    assert Settings.read({"XDG_DATA_HOME": "/x", "GRADSCAPE_DATA": "~/y"}).data == Path.home() / "y"


def test_every_setting_is_documented():
    rows = {name: (default, text) for name, default, text in settings_table()}
    assert set(rows) == {PREFIX + name.upper() for name in Settings.__dataclass_fields__}
    assert rows["GRADSCAPE_BODY_LIMIT"][0] == "4 MiB"
    assert all(text.endswith(".") for _, text in rows.values())
