"""A stage at a vendor, configured by the names that its dialect's settings have, and by nothing else."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask
from tests.vendors.vendor_stage import VendorStage

from signon_idp import Dialect, Idp
from signon_idp.demo import demo_client


@pytest.fixture
def at_vendor(
    signon_idp_factory: Callable[..., Idp],
    load_minimal: Callable[..., Flask],
    plant: Callable[..., None],
    tmp_path: Path,
) -> Iterator[Callable[..., VendorStage]]:
    """Build a stage at the vendor of that name.

    `dialect` plays it in another way, `client` changes its registration, keywords are further settings of the
    vendor's (`{issuer}` stands for its issuer) and `without` leaves some out. `at` is a stage at whose provider
    this one is built, too. Whatever the provider hands out is looked for in the run's log.
    """
    built: list[VendorStage] = []

    def build(
        name: str,
        *,
        dialect: Dialect | None = None,
        client: dict[str, object] | None = None,
        without: tuple[str, ...] = (),
        at: VendorStage | None = None,
        **keywords: str,
    ) -> VendorStage:
        registered = replace(demo_client(name), **(client or {}))
        idp = signon_idp_factory(dialect=dialect or name, clients=(registered,)) if at is None else at.idp
        more = {name.upper(): value.replace("{issuer}", idp.issuer) for name, value in keywords.items()}
        told = {**idp.dialect.settings(idp.issuer, registered), **more}
        settings = {f"{name}_{key}".upper(): value for key, value in told.items() if key not in without}
        app = load_minimal(SIGNON_PROVIDERS=name, **settings)
        stage = VendorStage(app=app, idp=idp, store=tmp_path / "sessions.sqlite3")
        built.append(stage)
        return stage

    yield build
    for stage in built:
        plant(*stage.idp.secrets)
